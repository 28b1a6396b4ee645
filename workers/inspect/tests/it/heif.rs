//! Which picture a HEIF or AVIF file shows.

use lazaret_fixtures::film::{boxed, full};
use lazaret_fixtures::heif::{ALPHA, Item, auxiliary, clap, heif, imir, irot, ispe, nclx, profile};
use lazaret_inspect::heif::{Codec, Crop, Flaw, Still, still};
use std::io::Cursor;

fn read(file: &[u8]) -> Result<Still, Flaw> {
    still(&mut Cursor::new(file), file.len() as u64)
}

/// Coded pictures of 64 pixels a side; what they hold decodes to nothing.
fn coded(data: &[u8]) -> Item {
    Item::new(b"hvc1", data, &[boxed(b"hvcC", &[1; 23]), ispe(64, 64)])
}

fn of(items: &[Item]) -> Vec<u8> {
    heif(b"heic", 1, items, b"")
}

#[test]
fn a_picture_of_one_item_is_where_its_bytes_are() {
    let file = of(&[coded(b"PICTURE").with(nclx(12, 13, 6, true)).with(profile(b"ICC")), coded(b"OTHER")]);
    let still = read(&file).unwrap();
    let tile = &still.colour.tiles[0];
    let bytes = |(start, end): (u64, u64)| &file[start as usize..end as usize];
    assert_eq!(
        (tile.codec, bytes(tile.pieces[0]), bytes(tile.head)),
        (Codec::Hevc, &b"PICTURE"[..], &[1; 23][..])
    );
    assert_eq!((still.colour.width, still.colour.height, still.colour.columns), (64, 64, 1));
    assert_eq!(still.colours.icc.as_deref(), Some(&b"ICC"[..]));
    let told = still.colours.nclx.unwrap();
    assert_eq!((told.primaries, told.transfer, told.matrix, told.full_range), (12, 13, 6, true));
    assert!(still.beside && !still.sequence && still.alpha.is_none());
    assert!(!read(&of(&[coded(b"PICTURE")])).unwrap().beside);
}

#[test]
fn transforms_are_read_in_their_order() {
    let crop = clap([(30, 1), (20, 2), (u32::MAX - 3, 2), (1, 1)]);
    let item = coded(b"PICTURE").with(crop).with(irot(1)).with(imir(1));
    let still = read(&of(&[item])).unwrap();
    assert_eq!(still.crop, Some(Crop { left: 15, top: 28, width: 30, height: 10 }));
    assert_eq!((still.orientation, still.beside), (7, true));
}

#[test]
fn a_grid_is_its_tiles_in_their_order() {
    let mut items: Vec<Item> = (0..6).map(|n| coded(&[n; 5])).collect();
    items.push(Item::grid(2, 3, (150, 100), &[6, 5, 4, 3, 2, 1]));
    items.push(coded(b"ALPHA").with(auxiliary(ALPHA)).refers(b"auxl", &[7]));
    items[7].properties[1].0 = ispe(150, 100);
    let file = heif(b"heic", 7, &items, b"");
    let still = read(&file).unwrap();
    let firsts: Vec<u8> = still.colour.tiles.iter().map(|tile| file[tile.pieces[0].0 as usize]).collect();
    assert_eq!(firsts, [5, 4, 3, 2, 1, 0]);
    assert_eq!((still.colour.width, still.colour.columns, still.colour.tile), (150, 3, (64, 64)));
    assert_eq!(still.alpha.unwrap().tile, (150, 100));
    assert!(!still.beside);
    // In the file's media data, as some writers have it.
    items[6].within = false;
    assert_eq!(read(&heif(b"heic", 7, &items, b"")).unwrap().colour, still_of(&items));
}

fn still_of(items: &[Item]) -> lazaret_inspect::heif::Drawn {
    read(&heif(b"heic", 7, items, b"")).unwrap().colour
}

/// What kind of flaw there is, and in which words.
fn flaw(file: &[u8]) -> String {
    match read(file) {
        Ok(still) => panic!("shows {still:?}"),
        Err(flaw) => {
            let text = flaw.to_string();
            let kind = match flaw {
                Flaw::Io(_) => "io",
                Flaw::Malformed(_) => "malformed",
                Flaw::Unsupported(_) => "unsupported",
                Flaw::Limit(_) => "limit",
            };
            format!("{kind}: {text}")
        }
    }
}

fn replaced(file: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = file.windows(from.len()).position(|window| window == from).unwrap();
    [&file[..at], to, &file[at + from.len()..]].concat()
}

#[test]
fn what_is_told_twice_or_otherwise_is_no_picture() {
    let plain = of(&[coded(b"PICTURE")]);
    let behind = |more: &[u8]| heif(b"heic", 1, &[coded(b"PICTURE")], more);
    let iden = |to: &[u16]| Item::new(b"iden", b"", &[]).refers(b"dimg", to);
    let grid =
        |size, tiles: &[u16]| heif(b"heic", 2, &[coded(b"PICTURE"), Item::grid(1, 2, size, tiles)], b"");
    let mut far = coded(b"PICTURE");
    far.properties[1].0 = ispe(0, 64);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (plain[..plain.len() - 1].to_vec(), "malformed: the file ends within a box"),
        (plain[..40].to_vec(), "malformed: the file ends within a box"),
        ([&plain[..], &plain[24..]].concat(), "malformed: 2 descriptions"),
        (plain[..24].to_vec(), "malformed: 0 descriptions"),
        (behind(&full(b"pitm", 0, &[0, 1])), "malformed: two boxes \"pitm\""),
        (behind(&boxed(b"iloc", &[0; 8])), "malformed: two boxes \"iloc\""),
        (heif(b"heic", 9, &[coded(b"")], b""), "malformed: there is no item 9"),
        (replaced(&plain, b"pict", b"mdir"), "malformed: its items are no pictures"),
        (replaced(&plain, b"iprp", b"free"), "malformed: no box \"iprp\""),
        (replaced(&plain, b"ipco", b"free"), "malformed: 0 boxes of properties"),
        (
            replaced(&plain, b"infe\x02\0\0\0\0\x01\0\0", b"infe\x02\0\0\0\0\x01\0\x01"),
            "unsupported: item 1 is encrypted",
        ),
        (of(&[coded(b"")]), "malformed: item 1 does not lie"),
        (of(&[far]), "malformed: item 1 has no size"),
        (of(&[Item::new(b"hvc1", b"A", &[ispe(64, 64)])]), "malformed: item 1 does not say how"),
        (
            of(&[Item::new(b"av01", b"A", &[ispe(64, 64), boxed(b"hvcC", &[1])])]),
            "malformed: item 1 does not say how",
        ),
        (
            of(&[Item::new(b"hvc1", b"A", &[ispe(64, 64), boxed(b"hvcC", &[0])])]),
            "unsupported: a coding of an unknown",
        ),
        (
            of(&[Item::new(b"av01", b"A", &[ispe(64, 64), boxed(b"av1C", b"")])]),
            "unsupported: a coding of an unknown",
        ),
        (of(&[Item::new(b"jpeg", b"A", &[ispe(64, 64)])]), "unsupported: items of kind \"jpeg\""),
        (of(&[coded(b"A").with(irot(1)).with(irot(1))]), "malformed: two properties \"irot\""),
        (of(&[coded(b"A").with(boxed(b"colr", b"nclc\0\0\0\0\0\0"))]), "unsupported: colours by \"nclc\""),
        (of(&[coded(b"A").with(boxed(b"lsel", b"\0\0"))]), "unsupported: a property that is not followed"),
        (of(&[coded(b"A").with(clap([(1, 0), (1, 1), (0, 1), (0, 1)]))]), "malformed: a fraction of nothing"),
        (of(&[coded(b"A").with(clap([(65, 1), (1, 1), (0, 1), (0, 1)]))]), "unsupported: cropped between"),
        (
            of(&[coded(b"A").with(clap([(66, 1), (2, 1), (0, 1), (0, 1)]))]),
            "malformed: cropped to what lies outside",
        ),
        // Loops.
        (of(&[iden(&[1])]), "malformed: items that show one another"),
        (of(&[iden(&[2]), iden(&[1])]), "malformed: items that show one another"),
        (of(&[iden(&[2, 2]), coded(b"A")]), "malformed: item 1 is to show one other"),
        (of(&[iden(&[])]), "malformed: item 1 is to show one other"),
        (
            heif(b"heic", 1, &[Item::grid(1, 2, (64, 64), &[1, 1])], b""),
            "unsupported: items of kind \"grid\"",
        ),
        // Grids.
        (grid((128, 64), &[1]), "malformed: 1 tiles for 2x1"),
        (grid((129, 64), &[1, 1]), "malformed: tiles that do not cover"),
        (grid((64, 64), &[1, 1]), "malformed: tiles that do not cover"),
        (grid((128, 64), &[1, 7]), "malformed: there is no item 7"),
        (
            heif(
                b"heic",
                3,
                &[coded(b"A"), coded(b"A").with(irot(1)), Item::grid(1, 2, (128, 64), &[1, 2])],
                b"",
            ),
            "unsupported: tiles that are cropped or turned",
        ),
        (
            heif(
                b"heic",
                3,
                &[coded(b"A"), coded(b"A").with(nclx(1, 1, 1, true)), Item::grid(1, 2, (128, 64), &[1, 2])],
                b"",
            ),
            "malformed: tiles of several",
        ),
        // Transparency.
        (
            of(&[
                coded(b"A"),
                coded(b"B").with(auxiliary(ALPHA)).refers(b"auxl", &[1]),
                coded(b"B").with(auxiliary(ALPHA)).refers(b"auxl", &[1]),
            ]),
            "malformed: two pictures of its transparency",
        ),
    ];
    for (file, expected) in cases {
        let told = flaw(&file);
        assert!(told.starts_with(expected), "{expected}: {told}");
    }
}

/// Each of these is taken with one less.
#[test]
fn counts_are_bounded() {
    let place = |items: u16| {
        // Items of no pieces.
        let all: Vec<u8> =
            (0..items).flat_map(|id| [&id.to_be_bytes()[..], &[0, 0, 0, 0]].concat()).collect();
        [&[0, 0, 0, 0, 0x44, 0][..], &items.to_be_bytes(), &all].concat()
    };
    let entries = |items: u16| {
        let entry = |id: u16| boxed(b"infe", &[&[2, 0, 0, 0][..], &id.to_be_bytes(), b"\0\0free\0"].concat());
        let all: Vec<u8> = (0..items).flat_map(entry).collect();
        [&[0, 0, 0, 0][..], &items.to_be_bytes(), &all].concat()
    };
    let references = |count: usize| {
        let many = [&[0, 1, 0xff, 0xff][..], &[0; 2 * 0xffff]].concat();
        let all = [boxed(b"many", &many)].concat();
        let more: Vec<u8> = (0..count).flat_map(|_| boxed(b"none", &[0, 1, 0, 0])).collect();
        [&[0, 0, 0, 0][..], &all, &more].concat()
    };
    let properties = |count: usize| {
        let all: Vec<u8> = (0..count).flat_map(|_| boxed(b"free", b"")).collect();
        [boxed(b"ipco", &all), full(b"ipma", 0, &[0; 4])].concat()
    };
    let nothing = |kind: &[u8; 4]| match kind {
        b"iloc" => place(0),
        b"iinf" => entries(0),
        b"iref" => references(0),
        _ => properties(0),
    };
    let file = |kind: &[u8; 4], content: Vec<u8>| {
        let of =
            |other: &[u8; 4]| boxed(other, &if other == kind { content.clone() } else { nothing(other) });
        let handler = full(b"hdlr", 0, &[&[0; 4][..], b"pict", &[0; 13]].concat());
        let boxes = [handler, full(b"pitm", 0, &[0, 1]), of(b"iinf"), of(b"iref"), of(b"iprp"), of(b"iloc")];
        [boxed(b"ftyp", b"heic\0\0\0\0mif1"), full(b"meta", 0, &boxes.concat())].concat()
    };
    let cases: [(&[u8; 4], Vec<u8>, Vec<u8>); 4] = [
        (b"iloc", place(8192), place(8193)),
        (b"iinf", entries(8192), entries(8193)),
        (b"iref", references(0), references(1)),
        (b"iprp", properties(32_768), properties(32_769)),
    ];
    for (kind, most, more) in cases {
        let name = String::from_utf8_lossy(kind);
        assert!(!flaw(&file(kind, most)).starts_with("limit"), "{name}");
        assert!(flaw(&file(kind, more)).starts_with("limit: more than"), "{name}");
    }
    let tiles = |rows: u8, columns: u8| {
        let ids = vec![1; usize::from(rows) * usize::from(columns)];
        heif(
            b"heic",
            2,
            &[
                coded(&[0; 3]),
                Item::grid(rows, columns, (64 * u16::from(columns), 64 * u16::from(rows)), &ids),
            ],
            b"",
        )
    };
    assert!(read(&tiles(8, 16)).is_ok());
    assert!(flaw(&tiles(64, 64)).starts_with("malformed: its items are longer than the file"));
    assert!(flaw(&tiles(65, 64)).starts_with("limit: 64x65 tiles"));
    let boxes = |count: usize| [of(&[coded(b"A")]), boxed(b"free", b"").repeat(count)].concat();
    assert!(read(&boxes(1021)).is_ok());
    assert!(flaw(&boxes(1022)).starts_with("limit: more than 1024 boxes"));
    let large = |length: usize| heif(b"heic", 1, &[coded(b"A")], &boxed(b"free", &vec![0; length]));
    assert!(read(&large(15 << 20)).is_ok());
    assert!(flaw(&large(16 << 20)).starts_with("limit: 16"));
    let icc = |length: usize| of(&[coded(b"A").with(profile(&vec![0; length]))]);
    assert!(read(&icc(4 << 20)).is_ok());
    assert!(flaw(&icc((4 << 20) + 1)).starts_with("limit: a colour profile"));
}

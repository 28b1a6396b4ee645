//! Which picture a HEIF or AVIF file shows. Whatever it is, its pieces lie within the file and are no longer than it, its tiles
//! cover it, and what is shown of it lies within it.

use crate::is_for_people;
use lazaret_fixtures::film;
use lazaret_fixtures::film::boxed;
use lazaret_fixtures::heif::{ALPHA, Item, auxiliary, clap, heif, imir, irot, ispe, nclx};
use lazaret_inspect::heif::{Drawn, Flaw, still};
use std::io::Cursor;

pub fn run(data: &[u8]) {
    let size = data.len() as u64;
    let still = match still(&mut Cursor::new(data), size) {
        Ok(still) => still,
        // Memory can always be read.
        Err(Flaw::Io(error)) => panic!("{error}"),
        Err(flaw) => {
            assert!(is_for_people(&flaw.to_string()), "{flaw}");
            return;
        }
    };
    let mut bytes = 0;
    for drawn in std::iter::once(&still.colour).chain(&still.alpha) {
        covers(drawn);
        for tile in &drawn.tiles {
            for (start, end) in tile.pieces.iter().chain([&tile.head]) {
                assert!(start <= end && *end <= size, "{start} to {end} of {size}");
            }
            bytes += tile.pieces.iter().map(|(start, end)| end - start).sum::<u64>();
        }
        assert_eq!((drawn.width, drawn.height), (still.colour.width, still.colour.height));
    }
    assert!(bytes <= size, "{bytes} of {size}");
    if let Some(crop) = still.crop {
        assert!(crop.width > 0 && crop.height > 0);
        assert!(u64::from(crop.left) + u64::from(crop.width) <= still.colour.width.into());
        assert!(u64::from(crop.top) + u64::from(crop.height) <= still.colour.height.into());
    }
    assert!((1..=8).contains(&still.orientation));
    assert!(!still.sequence || still.beside);
}

fn covers(drawn: &Drawn) {
    let columns = u64::from(drawn.columns);
    let rows = drawn.tiles.len() as u64 / columns;
    assert_eq!(rows * columns, drawn.tiles.len() as u64);
    assert!(drawn.width > 0 && drawn.height > 0);
    assert!(columns * u64::from(drawn.tile.0) >= drawn.width.into());
    assert!(rows * u64::from(drawn.tile.1) >= drawn.height.into());
}

pub fn seeds() -> Vec<Vec<u8>> {
    let coded = |kind: &[u8; 4], head: &[u8; 4], version| {
        Item::new(kind, b"PICTURE", &[boxed(head, &[version; 23]), ispe(64, 64)])
    };
    let hevc = || coded(b"hvc1", b"hvcC", 1);
    let alpha = |of| hevc().with(auxiliary(ALPHA)).refers(b"auxl", &[of]);
    let crop = clap([(32, 1), (32, 1), (0, 1), (0, 1)]);
    let turned =
        hevc().with(nclx(1, 13, 6, true)).with(crop).with(irot(1)).with(imir(1)).refers(b"prem", &[2]);
    let grid = Item::grid(1, 2, (100, 64), &[1, 2]);
    let shown = Item::new(b"iden", b"", &[]).with(irot(2)).refers(b"dimg", &[3]);
    vec![
        heif(b"avif", 1, &[coded(b"av01", b"av1C", 0x81)], b""),
        heif(b"heic", 1, &[turned, alpha(1)], b""),
        heif(b"heic", 4, &[hevc(), hevc(), grid.clone(), shown, alpha(1), alpha(2)], b""),
        heif(b"heic", 3, &[hevc(), hevc(), grid], &boxed(b"grpl", &boxed(b"altr", &[0; 12]))),
        film::heif(b"heic", b""),
    ]
}

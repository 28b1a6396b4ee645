//! AVIF and HEIF pictures that are damaged, lie, or are none.

mod support;

use image::{Rgb, RgbImage};
use lazaret_fixtures::film::{boxed, full};
use lazaret_fixtures::heif::{ALPHA, Item, auxiliary, clap, heif, irot, ispe};
use lazaret_sandbox::{Budget, ChildSetup, Pool, PoolConfig, RenditionSpec, Trouble};
use support::stills::*;
use support::*;

/// A still that is whole.
fn whole(studio: &Studio, coder: &str) -> Coded {
    studio.coded(&photo(64, 64), coder, "yuv420p", "full")
}

async fn is_seen(pool: &Pool, file: &[u8]) {
    let (picture, _) = seen(pool, file, (8, 8)).await;
    assert!(picture.coverage.is_complete());
}

#[tokio::test]
async fn what_does_not_decode_as_it_is_told_is_refused() {
    let (pool, studio) = (pool(), Studio::new());
    for coder in [HEVC, AV1] {
        let coded = whole(&studio, coder);
        let larger = studio.coded(&photo(128, 64), coder, "yuv420p", "full");
        is_seen(&pool, &coded.file()).await;
        let garbage = Coded { data: noise(coded.data.len()), ..coded.clone() };
        let cut = Coded { data: coded.data[..coded.data.len() / 2].to_vec(), ..coded.clone() };
        let twice = Coded { data: [&coded.data[..], &coded.data].concat(), ..coded.clone() };
        let lying = Coded { size: (64, 62), ..coded.clone() };
        let flood = Coded { data: larger.data.clone(), head: larger.head.clone(), ..coded.clone() };
        let headless =
            Coded { head: boxed(&coded.head[4..8].try_into().unwrap(), &noise(40)), ..coded.clone() };
        let cases = [
            ("garbage", garbage),
            ("cut short", cut),
            ("two pictures", twice),
            ("another size", lying),
            ("larger than it says", flood),
        ];
        for (name, coded) in cases {
            let (code, detail) = refused(&pool, &coded.file()).await;
            assert_eq!(code, "media.undecodable", "{coder}: {name}: {detail}");
        }
        assert_eq!(refused(&pool, &headless.file()).await.0, "media.unsupported");
        is_seen(&pool, &coded.file()).await;
    }
}

fn noise(length: usize) -> Vec<u8> {
    let mut noise = lazaret_fixtures::Noise::new(7);
    (0..length).map(|_| noise.below(256) as u8).collect()
}

#[tokio::test]
async fn one_damaged_tile_spoils_the_picture() {
    let (pool, studio) = (pool(), Studio::new());
    for coder in [HEVC, AV1] {
        let coded = whole(&studio, coder);
        let grid = |last: &Coded| {
            let mut items = vec![coded.item(); 3];
            items.push(last.item());
            items.push(Item::grid(2, 2, (128, 128), &[1, 2, 3, 4]));
            heif(coded.brand(), 5, &items, b"")
        };
        is_seen(&pool, &grid(&coded)).await;
        for bad in [
            Coded { data: noise(coded.data.len()), ..coded.clone() },
            Coded { data: coded.data[..coded.data.len() - 40].to_vec(), ..coded.clone() },
        ] {
            assert_eq!(refused(&pool, &grid(&bad)).await.0, "media.undecodable");
            let copied = open(&pool, &grid(&bad), media_type(&grid(&bad)))
                .await
                .render(&RenditionSpec::Original, &mut Vec::new())
                .await;
            assert!(matches!(copied, Err(Trouble::Undecodable(_))), "{copied:?}");
        }
    }
}

#[tokio::test]
async fn pixels_are_bounded_before_any_is_decoded() {
    let studio = Studio::new();
    let bounded = |max_pixels| {
        let budget = Budget { max_pixels, ..Budget::default() };
        Pool::new(PoolConfig { setup: ChildSetup { budget, ..config().setup }, ..config() })
    };
    let coded = whole(&studio, HEVC);
    // What is decoded is never looked at: its bytes are noise.
    let said = Coded { data: noise(900), size: (20_000, 20_000), ..coded.clone() };
    assert_eq!(refused(&pool(), &said.file()).await.0, "limit.pixels");
    let tile = Coded { data: noise(900), size: (16_000, 16_000), ..coded.clone() };
    let grid = heif(b"heic", 2, &[tile.item(), Item::grid(1, 1, (64, 64), &[1])], b"");
    assert_eq!(refused(&pool(), &grid).await.0, "limit.pixels");
    let alpha = tile.item().with(auxiliary(ALPHA)).refers(b"auxl", &[1]);
    let with_alpha = heif(b"heic", 1, &[coded.item(), alpha], b"");
    assert_eq!(refused(&pool(), &with_alpha).await.0, "media.unsupported");
    // Copies have a budget of their own.
    let render = async |pool: &Pool| {
        open(pool, &coded.file(), "image/heic").await.render(&RenditionSpec::Original, &mut Vec::new()).await
    };
    assert!(
        matches!(render(&bounded(4095)).await, Err(Trouble::Undecodable(why)) if why.code == "limit.pixels")
    );
    render(&bounded(4096)).await.unwrap();
}

#[tokio::test]
async fn what_another_reader_might_show_is_told() {
    let (pool, studio) = (pool(), Studio::new());
    let coded = whole(&studio, HEVC);
    let second = studio.coded(&RgbImage::from_pixel(64, 64, Rgb([9, 9, 9])), HEVC, "yuv420p", "full").item();
    let alternatives = full(b"altr", 0, &[[0, 0, 0, 9], [0, 0, 0, 2], [0, 0, 0, 1], [0, 0, 0, 2]].concat());
    let auxiliary = |name| second.clone().with(auxiliary(name)).refers(b"auxl", &[1]);
    let grain = Item::new(b"Exif", b"\0\0\0\0II*\0", &[]).refers(b"cdsc", &[1]);
    let cases = [
        ("alone", heif(b"heic", 1, &[coded.item()], b""), false),
        ("another picture", heif(b"heic", 1, &[coded.item(), second.clone()], b""), true),
        ("a thumbnail", heif(b"heic", 1, &[coded.item(), second.clone().refers(b"thmb", &[1])], b""), true),
        ("depth", heif(b"heic", 1, &[coded.item(), auxiliary("urn:mpeg:hevc:2015:auxid:2")], b""), true),
        (
            "a gain map",
            heif(b"heic", 1, &[coded.item(), auxiliary("urn:com:apple:photo:2020:aux:hdrgainmap")], b""),
            true,
        ),
        ("metadata", heif(b"heic", 1, &[coded.item(), grain], b""), true),
        ("an alternative", heif(b"heic", 1, &[coded.item()], &boxed(b"grpl", &alternatives)), true),
        (
            "cropped",
            heif(b"heic", 1, &[coded.item().with(clap([(32, 1), (32, 1), (0, 1), (0, 1)]))], b""),
            true,
        ),
    ];
    for (name, file, beside) in cases {
        let (picture, _) = seen(&pool, &file, (8, 8)).await;
        assert_eq!((picture.beside, code(&picture.coverage)), (beside, "complete"), "{name}");
    }
    // Readers of sequences show the track.
    let film = [coded.file(), boxed(b"moov", &full(b"mvhd", 0, &[0; 96]))].concat();
    let (picture, _) = seen(&pool, &film, (8, 8)).await;
    assert_eq!((picture.beside, code(&picture.coverage)), (true, "unseen"));
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let (pool, studio) = (pool(), Studio::new());
    let coded = whole(&studio, HEVC);
    let item = || coded.item();
    let of = |items: &[Item]| heif(b"heic", 1, items, b"");
    let alpha = |size: (u32, u32)| {
        studio
            .coded(&photo(size.0, size.1), HEVC, "gray", "full")
            .item()
            .with(auxiliary(ALPHA))
            .refers(b"auxl", &[1])
    };
    let limited = studio.coded(&photo(64, 64), AV1, "gray", "limited").item().with(auxiliary(ALPHA));
    let cases = [
        ("an unknown property that counts", of(&[item().with(boxed(b"what", b""))]), "media.unsupported"),
        ("overlaid", of(&[Item::new(b"iovl", b"", &[])]), "media.unsupported"),
        ("alpha of another size", of(&[item(), alpha((128, 64))]), "media.unsupported"),
        ("alpha that is turned", of(&[item(), alpha((64, 64)).with(irot(1))]), "media.unsupported"),
        ("alpha in a part of its range", of(&[item(), limited.refers(b"auxl", &[1])]), "media.unsupported"),
        ("two kinds of alpha", of(&[item(), alpha((64, 64)), alpha((64, 64))]), "media.undecodable"),
        ("two sizes", of(&[item().with(ispe(64, 62))]), "media.undecodable"),
        (
            "cropped between pixels",
            of(&[item().with(clap([(31, 1), (32, 1), (0, 1), (0, 1)]))]),
            "media.unsupported",
        ),
        (
            "cropped after a turn",
            of(&[item().with(irot(1)).with(clap([(32, 1), (32, 1), (0, 1), (0, 1)]))]),
            "media.unsupported",
        ),
    ];
    for (name, file, expected) in cases {
        let (code, detail) = refused(&pool, &file).await;
        assert_eq!(code, expected, "{name}: {detail}");
    }
    is_seen(&pool, &coded.file()).await;
}

//! Draws a sheet of marks in several scripts to look at, and says what each costs:
//! `cargo run -p lazaret-watermark --example sheet -- sheet.png`.

use image::{Rgb, RgbImage};
use lazaret_watermark::{Content, Mark, MarkSpec, Position, Style};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give the path of the png to write")?;
    let mut sheet = photo(1600, 1200);
    let marks = [
        ("© Lazaret 2026", Position::TopLeft),
        ("© حقوق النشر محفوظة", Position::Top),
        ("सर्वाधिकार सुरक्षित", Position::TopRight),
        ("สงวนลิขสิทธิ์ ภาพถ่าย", Position::Left),
        ("Fotoğraf: Ελένη & Žofie\nвсе права защищены", Position::Center),
        ("כל הזכויות שמורות 2026", Position::Right),
        ("বাংলা தமிழ் ગુજરાતી", Position::BottomLeft),
        ("Mixed עברית and العربية 42", Position::Bottom),
        ("ქართული Հայերեն አማርኛ", Position::BottomRight),
    ];
    for (text, position) in marks {
        let style = Style { position, scale: 0.28, opacity: 0.9, ..Style::default() };
        put(&mut sheet, text, "#ffffff", style)?;
    }
    let tiled = Style { tile: true, scale: 0.14, opacity: 0.3, angle: 30.0, ..Style::default() };
    put(&mut sheet, "preview", "#102040", tiled)?;
    sheet.save(path)?;

    let mut large = photo(4000, 3000);
    for tile in [false, true] {
        let mark = prepare("© Lazaret 2026", "#ffffff", Style { tile, ..Style::default() })?;
        for pass in ["first", "again"] {
            let start = Instant::now();
            mark.apply_rgb(&mut large);
            println!("12 MP, tile {tile}, {pass}: {:?}", start.elapsed());
        }
    }
    Ok(())
}

fn put(
    sheet: &mut RgbImage,
    text: &str,
    color: &str,
    style: Style,
) -> Result<(), lazaret_watermark::MarkError> {
    let start = Instant::now();
    let mark = prepare(text, color, style)?;
    println!("{text:?}: prepared in {:?}", start.elapsed());
    mark.apply_rgb(sheet);
    Ok(())
}

fn prepare(text: &str, color: &str, style: Style) -> Result<Mark, lazaret_watermark::MarkError> {
    let content = Content::Text { text: text.to_owned(), fonts: Vec::new(), color: color.to_owned() };
    Mark::prepare(&MarkSpec { content, style })
}

/// From dark to light with some texture, so that a mark lies on both.
fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let wave = ((u * 19.0).sin() * (v * 23.0).cos() + 1.0) * 24.0;
        Rgb([
            (u * 200.0 + wave) as u8,
            ((u + v) * 100.0 + wave) as u8,
            ((1.0 - v) * 160.0 + u * 40.0 + wave) as u8,
        ])
    })
}

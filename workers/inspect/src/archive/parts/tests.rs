use super::*;

const RELATIONS: &str = r#"<?xml version="1.0"?><Relationships xmlns="x"><Relationship Id="r1" Type="http://x/styles"
    Target="styles.xml"/><Relationship Id="r2" Type="http://x/hyperlink" Target="https://example.org"
    TargetMode="External"/></Relationships>"#;

fn told(name: &str, part: &[u8]) -> usize {
    judge(name, part, true).len()
}

#[test]
fn what_is_fetched_and_what_is_only_a_link() {
    let bad = RELATIONS.replace("/hyperlink", "/attachedTemplate");
    let wide: Vec<u8> =
        "\u{feff}".encode_utf16().chain(bad.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let cases: Vec<(Vec<u8>, usize)> = vec![
        (RELATIONS.into(), 0),
        (bad.clone().into(), 1),
        (wide, 1),
        // A bracket is legal within a value.
        (bad.replace("<Relationship Id=\"r2\"", "<Relationship xmlns:a=\">\" Id=\"r2\"").into(), 1),
        (
            bad.replace("\"External\"", "'&#69;xternal'")
                .replace("<Relationship ", "<p:Relationship\n")
                .into(),
            1,
        ),
        (bad.replace("\"External\"", "\"Internal\"").into(), 1),
        (RELATIONS.replace("https://example.org", "file://host/share").into(), 1),
        // What cannot be read for sure.
        (RELATIONS.replace("<Relationships", "<!DOCTYPE x [<!ENTITY e 'y'>]><Relationships").into(), 1),
        (RELATIONS.replace("</Relationships>", "").into(), 1),
        (RELATIONS.replace("Relationships", "Relations").into(), 1),
        (RELATIONS.replace("version=\"1.0\"", "version=\"1.0\" encoding=\"utf-7\"").into(), 1),
        (b"\0<\0R".to_vec(), 1),
    ];
    for (part, most) in cases {
        assert_eq!(told("word/_rels/settings.xml.rels", &part), most, "{}", String::from_utf8_lossy(&part));
    }
    assert_eq!(judge("a.rels", RELATIONS.as_bytes(), false).len(), 1, "cut off");
}

#[test]
fn fields_that_fetch_or_start_programs() {
    let word = |body: &str| {
        format!(
            "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">{body}</w:document>"
        )
    };
    let field = |pieces: &[&str]| {
        let runs: String =
            pieces.iter().map(|p| format!("<w:r><w:instrText>{p}</w:instrText></w:r>")).collect();
        word(&format!("<w:fldChar/>{runs}<w:fldChar/>DDEAUTO as a word of the text"))
    };
    for (part, count) in [
        (field(&[" PAGE \\* MERGEFORMAT "]), 0),
        (field(&["HYPERLINK \"https://example.org\""]), 0),
        (field(&["MERGEFIELD Date_Added"]), 0),
        (field(&["DDEAUTO c:\\windows\\system32\\cmd.exe \"/k calc\""]), 1),
        (field(&["D", "DE", "&#65;UTO c:\\x"]), 1),
        (field(&["dde excel"]), 1),
        (field(&["INCLUDEPICTURE \"http://evil.example/x.png\" \\d"]), 1),
        (field(&["QUOTE 68 68 69 65 85 84 79"]), 1),
        (word("<w:fldSimple w:instr=\"DDEAUTO x\"/>"), 1),
        (word("<w:p>"), 1),
    ] {
        assert_eq!(told("word/document.xml", part.as_bytes()), count, "{part}");
    }
    let click = "<p:sld xmlns:p=\"http://schemas.openxmlformats.org/presentationml/2006/main\"><a:hlinkClick action=\"A\"/></p:sld>";
    for (action, count) in
        [("ppaction://hlinksldjump", 0), ("ppaction://program", 1), ("PPAction://macro?name=a", 1)]
    {
        assert_eq!(told("ppt/slides/slide1.xml", click.replace('A', action).as_bytes()), count, "{action}");
    }
    let sheet = "<externalLink xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><ddeLink ddeService=\"cmd\"/></externalLink>";
    assert_eq!(told("xl/externalLinks/externalLink1.xml", sheet.as_bytes()), 1);
}

#[test]
fn what_opendocument_fetches() {
    let part = |body: &str| {
        format!(
            "<office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\">{body}</office:document-content>"
        )
    };
    for (body, count) in [
        ("<draw:image xlink:href=\"Pictures/1.png\"/><draw:object xlink:href=\"./Object 1\"/>", 0),
        ("<text:a xlink:href=\"https://example.org\">x</text:a>", 0),
        ("<meta:template xlink:href=\"file:///usr/share/letter.ott\"/>", 0),
        ("<draw:image xlink:href=\"http://evil.example/x.png\"/>", 1),
        ("<draw:image xlink:href=\"//evil.example/x.png\"/>", 1),
        ("<text:section-source xlink:href=\"../../secret.odt\"/>", 1),
        ("<meta:template xlink:href=\"file://evil.example/x.ott\"/>", 1),
        ("<text:a xlink:href=\"file://evil.example/x\">x</text:a>", 1),
        ("<table:table-cell table:formula=\"of:=SUM([.A1:.A3])\"/>", 0),
        ("<table:table-cell table:formula=\"of:=COM.MICROSOFT.WEBSERVICE (&quot;http://e&quot;)\"/>", 1),
        ("<office:dde-source office:dde-application=\"soffice\"/>", 1),
        ("<script:event-listener xlink:href=\"Standard.x\"/>", 1),
    ] {
        assert_eq!(told("content.xml", part(body).as_bytes()), count, "{body}");
    }
}

#[test]
fn formulas_that_fetch() {
    for (formula, name) in [
        ("SUM(A1:A3)", None),
        ("IMAGE_1+IMAGES(A1)", None),
        ("MYRTD(1)", None),
        ("_xlfn.IMAGE(\"http://e/x.png\")", Some("IMAGE")),
        ("1+webservice\n (A1)", Some("WEBSERVICE")),
        ("IF(A1,\u{df}(2),REGISTER.ID(1))", Some("REGISTER.ID")),
        ("RTD(\"a.b\",,1)", Some("RTD")),
        ("(", None),
    ] {
        assert_eq!(formulas::fetching(formula), name, "{formula}");
    }
}

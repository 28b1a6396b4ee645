use crate::text;
use lazaret_watermark::{Content, MarkSpec, Position, Style};

#[test]
fn the_written_form_is_stable_and_has_defaults() {
    let spec: MarkSpec = serde_json::from_str(
        r#"{"content":{"text":{"text":"© A"}},"style":{"position":"top_left","tile":true}}"#,
    )
    .unwrap();
    assert_eq!(spec.content, text("© A"));
    assert_eq!(spec.style, Style { position: Position::TopLeft, tile: true, ..Style::default() });
    let written = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<MarkSpec>(&written).unwrap(), spec);
    let png = serde_json::from_str::<MarkSpec>(r#"{"content":{"png":{"base64":"AA=="}}}"#).unwrap();
    assert_eq!(png.content, Content::Png { base64: "AA==".to_owned() });
    assert_eq!(png.style, Style::default());
    png.validate().unwrap();
}

#[test]
fn unknown_keys_are_refused() {
    for wrong in [
        r#"{"content":{"text":{"text":"a","size":3}}}"#,
        r#"{"content":{"text":{"text":"a"}},"style":{"opacty":0.5}}"#,
        r#"{"content":{"text":{"text":"a"}},"colour":"red"}"#,
        r#"{"content":{"jpeg":{"base64":"AA=="}}}"#,
        r#"{"content":{"png":{"base64":"AA=="}},"style":{"position":"middle"}}"#,
    ] {
        assert!(serde_json::from_str::<MarkSpec>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn values_out_of_range_are_named() {
    let style = Style::default;
    let with = |style: Style| MarkSpec { content: text("a"), style };
    let saying = |text: &str, color: &str| MarkSpec {
        content: Content::Text { text: text.to_owned(), fonts: vec![], color: color.to_owned() },
        style: style(),
    };
    let cases = [
        (with(Style { scale: 0.0, ..style() }), "style.scale is 0: give a number from 0.01 to 1"),
        (with(Style { scale: f32::NAN, ..style() }), "style.scale is NaN"),
        (with(Style { opacity: 1.5, ..style() }), "style.opacity is 1.5"),
        (with(Style { margin: -0.1, ..style() }), "style.margin"),
        (with(Style { spacing: 9.0, ..style() }), "style.spacing"),
        (with(Style { angle: 91.0, ..style() }), "style.angle"),
        (saying(" \n ", "#ffffff"), "content.text.text is empty"),
        (saying(&"a".repeat(201), "#ffffff"), "has 201 characters"),
        (saying(&"a\n".repeat(9), "#ffffff"), "has 9 lines"),
        (saying("a\u{7}b", "#ffffff"), "control character"),
        (saying("a", "white"), "content.text.color is \"white\""),
        (saying("a", "#12345g"), "content.text.color"),
        (saying("a", "#é1234"), "content.text.color"),
        (MarkSpec { content: Content::Png { base64: String::new() }, style: style() }, "content.png.base64"),
    ];
    for (spec, expected) in cases {
        let message = spec.validate().unwrap_err().to_string();
        assert!(message.contains(expected), "{message:?} for {expected:?}");
        assert!(lazaret_watermark::Mark::prepare(&spec).is_err(), "prepare checks too: {expected}");
    }
}

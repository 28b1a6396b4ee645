//! SVG, XHTML and HTML: what acts in them, and where they end.

use crate::containers::{codes, report, why};
use lazaret_fixtures::markup::{html, svg};
use lazaret_report::{Coverage, Report};

const SVG: &str = "image/svg+xml";
const HTML: &str = "text/html";

fn wide(text: &[u8]) -> Vec<u8> {
    let units = String::from_utf8(text.to_vec()).unwrap();
    [0xfeff].into_iter().chain(units.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn clean(report: &Report) -> bool {
    report.coverage == Coverage::Complete && report.findings.is_empty()
}

#[test]
fn inert_markup_is_clean() {
    for (media_type, file) in [
        (SVG, svg("")),
        (SVG, svg("<use xlink:href='#a'/><a href='https://a.example/'><text>x &amp; y</text></a>")),
        (SVG, svg("<image href='data:image/png;base64,AAAA'/>")),
        (SVG, [&b"\xef\xbb\xbf"[..], &svg("")].concat()),
        (SVG, wide(&String::from_utf8(svg("")).unwrap().replace("UTF-8", "UTF-16").into_bytes())),
        (SVG, [&svg("")[..], b"\n<!-- made by hand -->\n"].concat()),
        (SVG, b"<svg/>".to_vec()),
        (HTML, html("")),
        (HTML, html("<img src='data:image/png;base64,AAAA' alt='on'><p title='a onclick b'>x < y</p>")),
        (HTML, [&html("")[..], b"\n<!-- cached -->\n"].concat()),
        (HTML, b"<!doctype html><title>x</title><p>y".to_vec()),
        (HTML, b"<p>Gr\xfc\xdfe</p>".to_vec()),
        ("application/xhtml+xml", b"<html xmlns='http://www.w3.org/1999/xhtml'><body/></html>".to_vec()),
    ] {
        let report = report(media_type, &file);
        assert!(clean(&report), "{}: {report:?}", String::from_utf8_lossy(&file));
    }
}

/// What acts, in the words of its finding.
#[test]
fn what_acts_is_found() {
    let both = [
        ("<script>alert(1)</script>", "script"),
        ("<SCRIPT src='#'></SCRIPT>", "script"),
        ("<g onload='alert(1)'></g>", "handler"),
        ("<g ONLOAD='alert(1)'></g>", "handler"),
        ("<a href='javascript:alert(1)'>x</a>", "scripts in addresses"),
        ("<a href='&#106;ava&#10;script:alert(1)'>x</a>", "scripts in addresses"),
        ("<a href=' JaVaScRiPt:alert(1)'>x</a>", "scripts in addresses"),
        ("<a href='data:text/html,x'>x</a>", "data that may act"),
        ("<iframe src='#'></iframe>", "frame"),
        ("<embed src='#'></embed>", "frame"),
        ("<object data='#'></object>", "frame"),
        ("<foreignObject></foreignObject>", "html inside"),
        ("<image href='http://a.example/x.png'></image>", "other files"),
        ("<use href='other.svg#x'></use>", "other files"),
        ("<img src='//a.example/x.png'></img>", "other files"),
        ("<rect fill='url(http://a.example/#x)'></rect>", "other files"),
        ("<rect style='fill: u\\72l(x.svg#a)'></rect>", "other files"),
        ("<style>@import 'http://a.example/x.css';</style>", "style sheet"),
        ("<style>@\\69mport 'x.css';</style>", "style sheet"),
        ("<style>p { background: url(x.png) }</style>", "other files"),
        ("<set attributeName='href' to='#'></set>", "animation"),
    ];
    let only_svg = [
        ("<svg:script xmlns:svg='http://www.w3.org/2000/svg'>1</svg:script>", "script"),
        ("<style><![CDATA[@import 'x.css';]]></style>", "style sheet"),
        ("<style>&#64;import 'x.css';</style>", "style sheet"),
        ("<image xlink:href='x.png'/>", "other files"),
        ("&own;", "entities"),
        ("<a href='&own;'/>", "entities"),
        ("<?xml-stylesheet href='x.css'?>", "style sheet"),
    ];
    let only_html = [
        ("<img/src=x onerror=alert(1)>", "handler"),
        ("<form action='http://a.example/'></form>", "form"),
        ("<meta http-equiv=refresh content='0;url=http://a.example/'>", "elsewhere"),
        ("<base href='http://a.example/'>", "other files"),
        ("<img srcset='a.png 1x, b.png 2x'>", "other files"),
        ("<link rel=stylesheet href=x.css>", "other files"),
        ("<!--[if IE]><p>x</p><![endif]-->", "comment"),
        ("<svg><style><img src=x onerror=alert(1)></style></svg>", "handler"),
        ("<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>", "handler"),
        ("<iframe srcdoc='x'></iframe>", "frame"),
    ];
    let svgs = both.iter().chain(&only_svg).map(|(inside, what)| (SVG, svg(inside), inside, what));
    let htmls = both.iter().chain(&only_html).map(|(inside, what)| (HTML, html(inside), inside, what));
    let wides = both.iter().map(|(inside, what)| {
        let file = String::from_utf8(svg(inside)).unwrap().replace("UTF-8", "UTF-16");
        (SVG, wide(file.as_bytes()), inside, what)
    });
    for (media_type, file, inside, what) in svgs.chain(htmls).chain(wides) {
        let report = report(media_type, &file);
        assert_eq!(codes(&report), ["active"], "{media_type} {inside}: {report:?}");
        assert!(report.findings.iter().any(|f| f.detail.contains(what)), "{inside}: {report:?}");
        assert_eq!(report.coverage, Coverage::Complete, "{inside}");
    }
}

#[test]
fn prologs_that_reach_out() {
    for (prolog, what) in [
        ("<!DOCTYPE svg [<!ENTITY a 'b'>]>", "entities"),
        ("<!DOCTYPE svg [<!ENTITY a '&b;&b;'><!ENTITY b 'x]>'>]>", "entities"),
        ("<!DOCTYPE svg SYSTEM 'file:///etc/passwd'>", "other files"),
        ("<!DOCTYPE svg SYSTEM \"x.ent\" >", "other files"),
        ("<!DOCTYPE svg PUBLIC 'x' 'http://a.example/x.dtd'>", "other files"),
        ("<?xml-stylesheet href='x.xsl'?>", "style sheet"),
    ] {
        let report = report(SVG, format!("{prolog}<svg/>").as_bytes());
        assert_eq!(codes(&report), ["active"], "{prolog}: {report:?}");
        assert!(report.findings[0].detail.contains(what), "{prolog}: {report:?}");
    }
}

#[test]
fn cut_at_any_byte_none_is_complete() {
    for (media_type, file) in [(SVG, svg("<g/>")), (HTML, html("<script>if (1) { x() }</script><!-- x -->"))]
    {
        // A page that does not even open `<html>` has no end to miss.
        let first = if media_type == HTML { 22 } else { 0 };
        for cut in first..file.len() {
            let report = report(media_type, &file[..cut]);
            assert!(!report.coverage.is_complete(), "{media_type} cut at {cut}: {report:?}");
        }
    }
}

#[test]
fn what_stands_behind_and_what_breaks_the_rules() {
    let deep = format!("<svg>{}</svg>", "<g>".repeat(100_000));
    let closed = format!("<svg>{}{}</svg>", "<g>".repeat(5000), "</g>".repeat(5000));
    let latin = b"<?xml version='1.0' encoding='iso-8859-1'?><svg>\xfc</svg>".to_vec();
    for (media_type, file, found, coverage) in [
        (SVG, [&svg("")[..], b"<script>alert(1)</script>"].concat(), &["trailing"][..], ""),
        (SVG, [&svg("")[..], b"PK and so on"].concat(), &["trailing"], ""),
        (SVG, [&svg("")[..], b"<?php system('id'); ?> and so on"].concat(), &["trailing", "embedded"], ""),
        (HTML, [&html("")[..], b"PK and so on"].concat(), &["trailing"], ""),
        (HTML, html("<?php system('id'); ?> and so on"), &["embedded"], ""),
        (HTML, html("a\0b"), &["malformed"], ""),
        (HTML, b"no tag at all".to_vec(), &["malformed"], "malformed"),
        (HTML, html("<meta charset=utf-7>"), &[], "unsupported"),
        (SVG, b"<?xml version='1.0' encoding='utf-7'?><svg/>".to_vec(), &[], "unsupported"),
        (SVG, latin, &[], ""),
        (SVG, b"<svg>\xfc</svg>".to_vec(), &[], ""),
        (SVG, b"<html/>".to_vec(), &["malformed"], "malformed"),
        (SVG, b"<svg></g></svg>".to_vec(), &["malformed"], "malformed"),
        (SVG, b"<svg a='1' a='2'/>".to_vec(), &["malformed"], "malformed"),
        (SVG, deep.into_bytes(), &["malformed"], "malformed"),
        (SVG, closed.into_bytes(), &["malformed"], "malformed"),
        (SVG, [vec![b' '; 33 << 20], svg("")].concat(), &[], "limit.bytes"),
    ] {
        let report = report(media_type, &file);
        let shown = String::from_utf8_lossy(&file[..file.len().min(300)]).into_owned();
        assert_eq!(codes(&report), found, "{shown}: {report:?}");
        assert_eq!(why(&report), coverage, "{shown}: {report:?}");
    }
}

/// Found by fuzzing: the reader of XML quotes what it does not like.
#[test]
fn what_is_wrong_with_a_document_is_told_escaped_and_in_short() {
    let long = format!("<svg><defs></{}\u{1b}[2J\0></svg>", "x".repeat(9000));
    for file in ["<svg><defs></def\u{1b}[2J\0></svg>", &long] {
        let report = report(SVG, file.as_bytes());
        let detail = &report.findings[0].detail;
        assert!(detail.len() < 400 && detail.bytes().all(|b| (b' '..=b'~').contains(&b)), "{detail:?}");
    }
}

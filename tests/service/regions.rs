//! Where in a picture a detector saw what it has a label for.

use crate::{detector, films::film, server::Server};
use lazaret_fixtures::picture;
use serde_json::{Value, json};

/// Dark, with the lower right quarter red, as it is to be seen.
fn spotted() -> picture::RgbImage {
    picture::RgbImage::from_fn(64, 48, |x, y| if x >= 32 && y >= 24 { [255, 0, 0] } else { [9, 9, 9] }.into())
}

/// Of the only finding with this code.
fn regions(detail: &Value, code: &str) -> Value {
    let findings: Vec<&Value> =
        detail["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == code).collect();
    assert_eq!(findings.len(), 1, "{detail}");
    assert!(findings[0]["detail"].as_str().unwrap().starts_with("spots.red "), "{detail}");
    findings[0]["regions"].clone()
}

#[tokio::test]
async fn findings_say_where_a_detector_saw_them() {
    let site = detector::site("");
    let server = Server::ready(&site).await;
    let applied = site.run(&["policy", "apply", "policy.toml", "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    let corner = json!([{ "x": 0.5, "y": 0.5, "width": 0.5, "height": 0.5 }]);

    // A camera that was held upright stores it lying on its side; the place is that of what people see.
    let lying = picture::as_from_a_camera(&picture::jpeg(&picture::sideways(&spotted()), 95), 6);
    let upload = server.verdict_on("a.jpg", &lying).await;
    assert_eq!(upload["state"], "in_review", "{upload}");
    let detail = &upload["verdict_detail"];
    assert_eq!(regions(detail, "image.label"), corner, "{detail}");
    assert_eq!(detail["findings"][0]["evidence"], json!({ "kind": "frame", "index": 0 }));

    let red = "drawbox=x=iw/2:y=ih/2:w=iw/2:h=ih/2:t=fill:color=red:enable='between(t,1,1.9)'";
    let moving = format!("-f lavfi -i color=black:size=64x48:rate=10:duration=3 -vf {red}");
    let kinds = [
        ("red.png", "-f apng -plays 0", "image.label"),
        ("red.mp4", "-c:v libx264 -pix_fmt yuv420p -g 5 -qp 5", "video.label"),
    ];
    for (name, coded, code) in kinds {
        let upload = server.verdict_on(name, &film(&site, name, &format!("{moving} {coded}"))).await;
        assert_eq!(upload["state"], "in_review", "{upload}");
        assert_eq!(regions(&upload["verdict_detail"], code), corner, "{upload}");
    }

    // What would be published has no finding, wherever there is a little of something.
    let plain = picture::jpeg(&picture::RgbImage::from_pixel(64, 48, [60, 90, 60].into()), 95);
    let upload = server.verdict_on("plain.jpg", &plain).await;
    assert_eq!((&upload["state"], &upload["verdict_detail"]["findings"]), (&"published".into(), &json!([])));
}

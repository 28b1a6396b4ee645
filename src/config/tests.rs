//! The layers, and what a mistake in each of them says.

use super::*;
use figment::providers::Serialized;
use std::fs;

fn no_env() -> Serialized<std::collections::BTreeMap<String, String>> {
    Serialized::defaults(std::collections::BTreeMap::new())
}

fn load(text: &str, flags: &[(&str, serde_json::Value)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lazaret.toml");
    fs::write(&path, text).unwrap();
    Config::from_layers(Some(&path), no_env(), flags).map_err(|e| e.to_string())
}

#[test]
fn the_defaults_stand_by_themselves_and_layers_go_over_them() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8470");
    assert_eq!(config.intake.max_upload.0, 1 << 30);
    let config = load("[server]\nlisten = \"127.0.0.1:1\"\ngrace = \"5s\"", &[]).unwrap();
    assert_eq!((config.server.listen.port(), config.server.grace.0.as_secs()), (1, 5));
    let flag = [("server.listen", "127.0.0.1:2".into())];
    let config = load("[server]\nlisten = \"127.0.0.1:1\"", &flag).unwrap();
    assert_eq!(config.server.listen.port(), 2);
}

#[test]
fn a_mistake_names_file_key_and_what_was_expected() {
    let cases: &[(&str, &[&str])] = &[
        ("[server]\nlisen = \"x\"", &["lazaret.toml: server", "unknown field", "lisen", "`listen`"]),
        ("[sever]\na = 1", &["lazaret.toml", "unknown field", "sever"]),
        ("[server]\nlisten = \"nowhere\"", &["lazaret.toml: server.listen", "socket address"]),
        ("[server]\ngrace = \"soon\"", &["lazaret.toml: server.grace", "a duration such as", "soon"]),
        ("[intake]\nmax_upload = \"big\"", &["lazaret.toml: intake.max_upload", "a size such as", "big"]),
        (
            "[intake]\nmax_upload = \"2GiB\"",
            &["intake.max_upload (2GiB) is more than antivirus.max_file (1GiB)"],
        ),
        ("[antivirus]\nclamd = \"mine\"", &["lazaret.toml: antivirus.clamd", "\"managed\", or a list"]),
        ("[antivirus]\nmax_file = \"3GiB\"", &["antivirus.max_file", "no file of 2 GiB or more"]),
        (
            "[[checks.off]]\ncheck = \"image\"\nmedia_type = \"a/b\"\nbecause = \" \"",
            &["say why image is off"],
        ),
        ("[store]\nurl = \"mysql://x\"", &["store.url", "sqlite:", "mysql"]),
        ("[delivery]\npublic_url = \"ftp://x\"", &["delivery.public_url", "http or https"]),
        ("[delivery]\nkeys = { a = \"short\" }", &["lazaret.toml: delivery.keys.a", "64 hex digits"]),
        ("[delivery]\ncurrent = \"b\"", &["delivery.current: there is no key \"b\""]),
        ("[media]\nsandbox = \"off\"", &["lazaret.toml: media.sandbox", "off", "enforced", "best-effort"]),
        ("[renditions]\nmake = [\"poster\"]", &["lazaret.toml: renditions.make", "poster", "thumbnail"]),
        ("[media]\nfiles_per_child = 0", &["media.files_per_child must be at least 1"]),
        ("[streams]\nhits = 1", &["streams.hits must be at least 2"]),
        ("[streams]\nlabels = []", &["streams.labels", "at least one"]),
        ("[streams]\nframe_deadline = \"1m\"", &["streams.frame_deadline", "streams.deadline"]),
        ("[streams]\nterm = \"1s\"", &["streams.term must be at least 2s"]),
        ("[streams]\nframe_deadline = \"0s\"", &["streams.frame_deadline must be more than 0"]),
        ("[streams]\nkeep = \"23h\"", &["streams.keep must be at least 1d"]),
        ("[streams]\nmax_open = 0", &["streams.max_open must be at least 1"]),
        ("[streams]\nevidence = 0", &["streams.evidence is 1 to 1000"]),
        ("[streams]\nevidence = 1001", &["streams.evidence is 1 to 1000"]),
        (
            "[[streams.tenants]]\ntenant = \"acme\"\ntuning = { window = 2 }",
            &["streams.tenants: acme: window must be at least hits"],
        ),
        (
            "[[streams.tenants]]\ntenant = \"acme\"\ntuning = { hit = 2 }",
            &["lazaret.toml: streams.tenants", "unknown field"],
        ),
        ("not toml", &["lazaret.toml"]),
    ];
    for (text, parts) in cases {
        let error = load(text, &[]).unwrap_err();
        for part in *parts {
            assert!(error.contains(part), "{text}\n  gives: {error}\n  lacks: {part}");
        }
    }
}

#[expect(clippy::result_large_err, reason = "the type of error is figment's")]
#[test]
fn the_environment_is_a_layer_and_its_mistakes_name_the_variable() {
    figment::Jail::expect_with(|jail| {
        jail.set_env("LAZARET__SERVER__GRACE", "7s");
        assert_eq!(Config::load(None, &[]).unwrap().server.grace.0.as_secs(), 7);
        jail.set_env("LAZARET__SERVER__GRACE", "never");
        let error = Config::load(None, &[]).unwrap_err().to_string();
        assert!(error.contains("environment: LAZARET__SERVER__GRACE") && error.contains("never"), "{error}");
        Ok(())
    });
}

#[test]
fn a_file_that_is_named_must_be_there_and_secrets_stay_out_of_sight() {
    let error = Config::load(Some(Path::new("/no/such/lazaret.toml")), &[]).unwrap_err().to_string();
    assert!(error.contains("/no/such/lazaret.toml") && error.contains("no such file"));
    let secret = "c0".repeat(32);
    let config =
        load(&format!("[delivery]\ncurrent = \"k\"\n[delivery.keys]\nk = \"{secret}\""), &[]).unwrap();
    assert!(!format!("{config:?}").contains(&secret));
}

#[test]
fn roles_and_their_mistakes() {
    let several = "[store]\nurl = \"postgres://db/x\"\n[delivery]\nkeys = { a = \"KEY\" }\n"
        .replace("KEY", &"ab".repeat(32));
    let roles = [("server.roles", serde_json::json!(["worker"]))];
    let config = load(&several, &roles).unwrap();
    assert_eq!(config.server.roles, [sections::Role::Worker]);
    for (text, flags, expected) in [
        ("", &roles[..], "one process has all roles"),
        (several.as_str(), &[("server.roles", serde_json::json!([]))], "name at least one of api"),
        (several.as_str(), &[("server.roles", serde_json::json!(["cook"]))], "server.roles"),
        ("[store]\nurl = \"postgres://db/x\"", &[], "delivery.keys: several machines sign with shared keys"),
        ("[delivery]\nmode = \"redirect\"", &[], "needs blobs.url"),
        ("[queue]\nurl = \"amqp:u:secret@h\"", &[], "queue.url: expected a URL that begins with store:"),
    ] {
        let error = load(text, flags).unwrap_err();
        assert!(error.contains(expected) && !error.contains("secret"), "{error}");
    }
}

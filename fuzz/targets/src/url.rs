//! Signed URLs. As it comes no target is good; with its signature made right, it is good only where we would have made
//! that very one.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use lazaret::{delivery::Signer, upload::rendition::RenditionName};
use sha2::Sha256;
use std::collections::BTreeMap;

const KEY: [u8; 32] = [7; 32];
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

fn signer() -> Signer {
    let keys = BTreeMap::from([("a".to_owned(), KEY)]);
    Signer::new("", &keys, "a").unwrap_or_else(|error| panic!("{error}"))
}

/// As `src/delivery/signer.rs` tells it.
fn signed(target: &[u8]) -> Vec<u8> {
    let key = Hmac::<Sha256>::new_from_slice(&KEY).unwrap_or_else(|error| panic!("{error}"));
    let signature = key.chain_update(b"lazaret-url-v1\nGET\n").chain_update(target).finalize().into_bytes();
    [target, b"&sig=", URL_SAFE_NO_PAD.encode(signature).as_bytes()].concat()
}

pub fn run(data: &[u8]) {
    let signer = signer();
    if let Some(target) = signer.verify(data, LONG_AGO) {
        panic!("a signature out of nowhere: {target:?}");
    }
    let whole = signed(data);
    if let Some(target) = signer.verify(&whole, LONG_AGO) {
        let made = signer.mint(target.upload, target.rendition, target.expires);
        assert_eq!(made.as_bytes(), whole, "{:?}", String::from_utf8_lossy(&whole));
        assert_eq!(signer.verify(&whole, target.expires), None, "it has expired");
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let id = lazaret::upload::UploadId::new(LONG_AGO, &[9; 10]);
    let expires = Timestamp::from_second(1_800_000_000).unwrap_or(LONG_AGO);
    let made = |rendition| {
        let url = signer().mint(id, rendition, expires);
        url.split("&sig=").next().unwrap_or_default().to_owned()
    };
    let target = made(RenditionName::Original);
    let mut seeds = vec![target.clone(), made(RenditionName::Watermarked), made(RenditionName::Thumbnail)];
    seeds.push(target.replace("exp=", "exp=+"));
    seeds.push(target.replace("exp=", "exp=0"));
    seeds.push(target.to_uppercase());
    seeds.push(target.replace("&kid=", "&a=b&kid="));
    seeds.push(format!("{target}&a=b"));
    seeds.push(target.replace('-', ""));
    seeds.into_iter().map(String::into_bytes).collect()
}

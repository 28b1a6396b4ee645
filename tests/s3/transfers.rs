//! Objects of many parts, and connections that break: whole, or not at all.

use crate::{
    common::eventually,
    place::{Place, get, noise, spool, stream},
    proxy::Mode,
};
use futures_util::TryStreamExt;
use lazaret::ports::{Blobs, Kind, Sources, blobs::Zone, sources::ObjectRef};

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_mebibytes_in_parts() {
    let place = Place::new().await;
    let s3 = place.s3().await;
    let bytes = noise(40 * MIB + 12_345);
    s3.put(Zone::Held, "a", &spool(&s3, &bytes).await).await.unwrap();
    assert_eq!(place.objects(), [("held/a".to_owned(), bytes.len() as u64)]);
    assert!(get(&s3, Zone::Held, "a").await.unwrap().unwrap() == bytes);
    assert_eq!(place.server.unfinished(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_that_is_cut_leaves_nothing_and_goes_through_later() {
    let place = Place::new().await;
    let s3 = place.s3().await;
    for (name, length) in [("small", 2 * MIB), ("large", 20 * MIB)] {
        let bytes = noise(length);
        let spool = spool(&s3, &bytes).await;
        place.proxy.set(Mode::CutUp(MIB as u64));
        let error = s3.put(Zone::Held, name, &spool).await.expect_err("every try is cut");
        assert_eq!(error.kind, Kind::Retry, "{error}");
        assert_eq!(get(&s3, Zone::Held, name).await.unwrap(), None, "{name}");
        place.proxy.set(Mode::Pass);
        eventually("nothing is left of it", async || place.server.unfinished().is_empty()).await;
        s3.put(Zone::Held, name, &spool).await.unwrap();
        assert!(get(&s3, Zone::Held, name).await.unwrap().unwrap() == bytes, "{name}");
    }
}

/// Without TLS nothing but the signature over the bytes notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_change_on_their_way_in_are_not_kept() {
    let place = Place::new().await;
    for (name, length) in [("small", MIB), ("large", 20 * MIB)] {
        // With connections of its own, so that the change is in the middle of the bytes.
        let s3 = place.s3().await;
        let spool = spool(&s3, &noise(length)).await;
        place.proxy.set(Mode::FlipUp(MIB as u64 / 2));
        place.proxy.cut_all();
        let error = s3.put(Zone::Held, name, &spool).await.expect_err("other bytes came");
        assert_eq!(error.kind, Kind::Retry, "{error}");
        place.proxy.set(Mode::Pass);
        assert_eq!(get(&s3, Zone::Held, name).await.unwrap(), None, "{name}");
        eventually("nothing is left of it", async || place.server.unfinished().is_empty()).await;
    }
}

/// One break is the adapter's own to mend.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_survives_one_cut() {
    let place = Place::new().await;
    let s3 = place.s3().await;
    let bytes = noise(24 * MIB);
    let spool = spool(&s3, &bytes).await;
    let (before, broken) = (place.proxy.up(), place.proxy.broken());
    let cut = async {
        eventually("it is under way", async || place.proxy.up() > before + 3 * MIB as u64).await;
        place.proxy.cut_all();
    };
    place.proxy.set(Mode::Slow(64 * MIB as u64));
    let (put, ()) = tokio::join!(s3.put(Zone::Held, "a", &spool), cut);
    put.unwrap();
    place.proxy.set(Mode::Pass);
    assert!(place.proxy.broken() > broken);
    assert!(get(&s3, Zone::Held, "a").await.unwrap().unwrap() == bytes);
}

/// Its caller, a scan that lost its lease perhaps, goes away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_that_is_given_up_leaves_nothing() {
    let place = Place::new().await;
    let s3 = place.s3().await;
    let spool = spool(&s3, &noise(24 * MIB)).await;
    let before = place.proxy.up();
    place.proxy.set(Mode::Slow(16 * MIB as u64));
    let put = tokio::spawn({
        let s3 = s3.clone();
        async move { s3.put(Zone::Held, "a", &spool).await }
    });
    eventually("it is under way", async || place.proxy.up() > before + 10 * MIB as u64).await;
    assert!(!place.server.unfinished().is_empty());
    put.abort();
    assert!(put.await.is_err_and(|e| e.is_cancelled()));
    place.proxy.set(Mode::Pass);
    eventually("nothing is left of it", async || place.server.unfinished().is_empty()).await;
    assert_eq!(get(&s3, Zone::Held, "a").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_get_that_is_cut_goes_on_where_it_stopped() {
    let place = Place::new().await;
    let s3 = place.s3().await;
    let bytes = noise(20 * MIB);
    s3.put(Zone::Held, "a", &spool(&s3, &bytes).await).await.unwrap();
    let (before, broken) = (place.proxy.down(), place.proxy.broken());
    place.proxy.set(Mode::CutDown(3 * MIB as u64));
    assert!(get(&s3, Zone::Held, "a").await.unwrap().unwrap() == bytes);
    assert!(place.proxy.broken() - broken >= 6, "it was cut again and again");
    let came = place.proxy.down() - before;
    assert!(came < 22 * MIB as u64, "{came} bytes came for {}: it did not begin again", bytes.len());

    // Where no try gets anywhere there is no half of it either.
    place.proxy.set(Mode::CutDown(2_000));
    let error = get(&s3, Zone::Held, "a").await.expect_err("every try is cut");
    assert_eq!(error.kind, Kind::Retry, "{error}");
    place.proxy.set(Mode::Pass);
    assert!(get(&s3, Zone::Held, "a").await.unwrap().unwrap() == bytes);
}

/// Two objects are never mixed: what goes on is the object that began, or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_changes_while_it_is_read_is_no_mixture() {
    let place = Place::new().await;
    let s3 = place.s3().await;
    let (first, mut second) = (noise(16 * MIB), noise(16 * MIB));
    second.reverse();
    s3.put(Zone::Published, "a", &spool(&s3, &first).await).await.unwrap();
    place.proxy.set(Mode::CutDown(4 * MIB as u64));
    let mut bytes = stream(s3.read(Zone::Published, "a", 0..first.len() as u64).await.unwrap());
    let mut came = bytes.try_next().await.unwrap().unwrap().to_vec();
    let other = place.s3_past_the_proxy().await;
    other.put(Zone::Published, "a", &spool(&s3, &second).await).await.unwrap();
    let error = loop {
        match bytes.try_next().await {
            Ok(Some(piece)) => came.extend_from_slice(&piece),
            Ok(None) => panic!("{} bytes of two objects came as one", came.len()),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("changed"), "{error}");
    assert!(first.starts_with(&came));
    place.proxy.set(Mode::Pass);
    assert!(get(&s3, Zone::Published, "a").await.unwrap().unwrap() == second);
}

#[tokio::test]
async fn what_lazaret_keeps_is_no_source() {
    let place = Place::new().await;
    let s3 = place.s3().await;
    s3.put(Zone::Held, "a", &spool(&s3, b"quarantined").await).await.unwrap();
    place.server.tamper(&place.bucket, "others/a", b"a sender's");
    let object =
        |key: &str| ObjectRef { bucket: place.bucket.clone(), key: key.to_owned(), version_id: None };
    let open = async |key: &str| Sources::open(&*s3, &object(key)).await.unwrap();
    assert!(open("held/a").await.is_none());
    let mut theirs = open("others/a").await.expect("it is there");
    assert_eq!((theirs.size, theirs.bytes.try_next().await.unwrap().unwrap().len()), (10, 10));
}

//! Sources under TLS, whose certificate an authority of the test's own signed.

use crate::{
    certificates,
    pulled::{PULLING, assert_cut_and_cleared, followed, pulled, pulling, site_with},
    rtsp::{Manner, Rtsp},
    site::Site,
    sources::{CLIP, LIVE, Page, Publisher, Web, film, free_port},
    troubled::troubled,
};
use std::{net::SocketAddr, path::Path, sync::Arc};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// Takes TLS off, and hands on what is within to a server that listens at `to`.
async fn front(folder: &Path, to: SocketAddr) -> SocketAddr {
    let certificate = CertificateDer::from_pem_file(folder.join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate], key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            // Whoever does not trust us hangs up.
            tokio::spawn(async move {
                let mut outer = acceptor.accept(stream).await?;
                let mut inner = TcpStream::connect(to).await?;
                tokio::io::copy_bidirectional(&mut outer, &mut inner).await
            });
        }
    });
    address
}

fn at(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

#[tokio::test]
async fn rtmps_rtsps_and_https_are_followed_where_their_authority_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    certificates::make(folder.path());
    let trusted = folder.path().join("ca.pem");
    let (site, server) = site_with(&pulling(3), |command| {
        command.env("SSL_CERT_FILE", &trusted);
    })
    .await;
    let (clip, _) = film(&site.path(""), "clip.mp4", CLIP, &LIVE);

    let port = free_port();
    let url = format!("rtmp://127.0.0.1:{port}/live/x");
    let publishing = ["-re", "-i", clip.to_str().unwrap(), "-c", "copy", "-f", "flv", "-listen", "1", &url];
    let _publisher = Publisher::start(&publishing);
    let rtmps = front(folder.path(), at(port)).await;
    let camera = Rtsp::start(&site.path(""), Manner::Plays { clip: clip.clone(), password: None }).await;
    let rtsps = front(folder.path(), camera.address).await;
    let (web, hls) = (Web::start().await, hls(&site, &clip));
    web.put("/vod/", Page::File(hls));
    let https = front(folder.path(), web.address).await;
    // Each is followed from its beginning.
    let follow = async |url: String| followed(&server, &pulled(&server, &url).await).await;
    let (rtmps, rtsps, https) = tokio::join!(
        follow(format!("rtmps://{rtmps}/live/x")),
        follow(format!("rtsps://{rtsps}/cam")),
        follow(format!("https://{https}/vod/index.m3u8"))
    );
    for followed in [rtmps, rtsps, https] {
        assert_cut_and_cleared(&followed);
    }
}

#[tokio::test]
async fn nobody_is_believed_whose_authority_is_not() {
    let (site, server) = crate::pulled::site(PULLING).await;
    certificates::make(&site.path(""));
    let web = Web::start().await;
    let address = front(&site.path(""), web.address).await;
    for scheme in ["https", "rtmps", "rtsps"] {
        let stream = pulled(&server, &format!("{scheme}://{address}/live/x")).await;
        let view = troubled(&server, &stream, "source.unreachable").await;
        let why = view["pull"]["trouble"]["detail"].as_str().unwrap();
        assert!(why.contains("certificate") || why.contains("UnknownIssuer"), "{scheme}: {why}");
    }
    assert!(web.asked.lock().unwrap().is_empty());
}

fn hls(site: &Site, clip: &Path) -> std::path::PathBuf {
    let folder = site.path("hls");
    std::fs::create_dir(&folder).unwrap();
    let index = folder.join("index.m3u8");
    let arguments = ["-i", clip.to_str().unwrap(), "-c", "copy", "-f", "hls", "-hls_time", "2"];
    crate::sources::ffmpeg(&[&arguments[..], &["-hls_list_size", "0", index.to_str().unwrap()]].concat());
    folder
}

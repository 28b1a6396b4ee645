//! Law 1: a copy that we made passes the checks before it is published.

use crate::{
    samples,
    server::Server,
    site::{LAZARET, Site},
};
use lazaret_fixtures::picture;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use std::{
    fs::File,
    io::{self, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::OwnedFd,
        unix::{
            fs::FileExt,
            net::{UnixListener, UnixStream},
        },
    },
    path::Path,
};

/// A clamd, as far as it is asked here, that passes its canaries and finds something in every file but one. No real one
/// can be made to find something in the copy of a file that it calls clean.
fn finds_all_but(clean: Vec<u8>, socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A caller that hung up is none of our business.
            let _ = stream.and_then(|stream| answer(stream, &clean));
        }
    });
}

fn answer(mut stream: UnixStream, clean: &[u8]) -> io::Result<()> {
    let mut command = Vec::new();
    let mut byte = [0];
    while command.last() != Some(&0) {
        stream.read_exact(&mut byte)?;
        command.push(byte[0]);
    }
    let reply: &[u8] = match command.as_slice() {
        b"zPING\0" => b"PONG\0",
        b"zVERSION\0" => b"ClamAV 1.4.3\0",
        b"zINSTREAM\0" => {
            let mut body = Vec::new();
            loop {
                let mut length = [0; 4];
                stream.read_exact(&mut length)?;
                match u32::from_be_bytes(length) {
                    0 => break,
                    length => (&mut stream).take(length.into()).read_to_end(&mut body)?,
                };
            }
            let limit = b"stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0";
            if body.starts_with(b"PK") { limit } else { b"stream: Eicar-Test-Signature FOUND\0" }
        }
        b"zFILDES\0" => {
            if descriptor(&stream)? == clean {
                b"fd[9]: OK\0"
            } else {
                b"fd[9]: Only.In.The.Copy FOUND\0"
            }
        }
        other => panic!("{}", other.escape_ascii()),
    };
    stream.write_all(reply)
}

/// All bytes of the file whose descriptor comes.
fn descriptor(stream: &UnixStream) -> io::Result<Vec<u8>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    recvmsg(stream, &mut [IoSliceMut::new(&mut [0])], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let fds = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => fds.collect::<Vec<OwnedFd>>(),
        _ => Vec::new(),
    });
    let file = File::from(fds.last().ok_or(io::ErrorKind::InvalidData)?);
    let mut bytes = vec![0; usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

#[tokio::test]
async fn a_copy_that_is_not_clean_is_not_published() {
    let photo = picture::as_from_a_camera(&samples::photo(7), 6);
    let site = Site::new("");
    let socket = site.path("clamd");
    finds_all_but(photo.clone(), &socket);
    site.configure(&format!("[antivirus]\nclamd = [\"unix:{}\"]", socket.display()));
    let server = Server::ready(&site).await;
    let upload = server.verdict_on("photo.jpg", &photo).await;
    assert_ne!(upload["state"], "published", "{upload}");
    let reasons = upload["verdict_detail"]["reasons"].as_array().unwrap();
    assert!(reasons.contains(&"rendition.not_clean".into()), "{upload}");
    assert!(upload["verdict_detail"].to_string().contains("Only.In.The.Copy"), "{upload}");
    assert_eq!(upload["renditions"].as_array().map(Vec::len), Some(0), "{upload}");
    assert_eq!(site.objects("published"), Vec::<String>::new());
}

/// A child that looks at a picture as it should, and hands out something else as its copy.
#[tokio::test]
async fn a_copy_that_is_false_by_type_or_structure_is_not_published() {
    let child = Path::new(LAZARET).with_file_name("examples").join("false-copy");
    assert!(child.is_file(), "{} is missing: run cargo build --workspace --all-targets", child.display());
    let photo = samples::photo(7);
    for (what, told) in [
        ("true", ""),
        ("page", "rendition.type"),
        ("page-as-picture", "rendition.type"),
        ("zip-behind", "structure.embedded"),
    ] {
        let site = Site::new("");
        let own = site.path(what);
        std::os::unix::fs::symlink(&child, &own).unwrap();
        site.configure(&format!("[media]\nchild = \"{}\"", own.display()));
        let server = Server::ready(&site).await;
        let upload = server.verdict_on("photo.jpg", &photo).await;
        if what == "true" {
            assert_eq!(upload["state"], "published", "{upload}");
            continue;
        }
        assert_eq!(upload["state"], "in_review", "{what}: {upload}");
        let detail = &upload["verdict_detail"];
        let reasons = detail["reasons"].as_array().unwrap();
        assert!(reasons.contains(&"rendition.not_clean".into()), "{what}: {upload}");
        assert!(detail.to_string().contains(told), "{what}: {upload}");
        assert_eq!(site.objects("published"), Vec::<String>::new(), "{what}");
    }
}

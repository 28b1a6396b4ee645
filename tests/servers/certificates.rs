//! Certificates for servers of tests, by an authority of their own.

use std::{fs, path::Path, process::Command};

/// An authority, `ca.pem`, and a certificate for 127.0.0.1 that it signed, `server.pem`, with its key.
pub fn make(folder: &Path) {
    const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout";
    fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    for arguments in [
        format!("req -x509 {KEY} ca.key -out ca.pem -subj /CN=authority -days 2"),
        format!("req {KEY} server.key -out server.csr -subj /CN=server"),
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem".to_owned(),
    ] {
        let mut openssl = Command::new("openssl");
        let output = openssl.args(arguments.split(' ')).current_dir(folder).output().expect("openssl runs");
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

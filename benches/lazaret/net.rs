//! Ports of this machine that nobody listens on.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

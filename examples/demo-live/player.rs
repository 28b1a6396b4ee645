//! Stands for the media server whose API ends a publisher, as MediaMTX's does.

use axum::{Router, http::StatusCode};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

pub struct Player {
    pub address: SocketAddr,
    kicked: Arc<AtomicU32>,
}

impl Player {
    pub fn kicked(&self) -> u32 {
        self.kicked.load(Ordering::SeqCst)
    }
}

pub async fn start() -> anyhow::Result<Player> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let player = Player { address: listener.local_addr()?, kicked: Arc::default() };
    let kicked = Arc::clone(&player.kicked);
    let kick = move || async move {
        kicked.fetch_add(1, Ordering::SeqCst);
        StatusCode::OK
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(kick)).await });
    Ok(player)
}

//! `lazaret url`: a signed URL, minted with the keys of the settings.

use super::output::{TROUBLE, say};
use crate::{
    app,
    config::{Config, units::Span},
    ports::{Clock, clock::SystemClock},
    upload::{UploadId, rendition::RenditionName},
};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: lazaret url 0199… --rendition thumbnail --expires 10m")]
pub(super) struct Args {
    upload: UploadId,
    #[arg(long, default_value = "original")]
    rendition: RenditionName,
    /// How long it is good; delivery.expires where it is not said
    #[arg(long)]
    expires: Option<Span>,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<ExitCode> {
    let store = super::store(config).await?;
    if store.published(args.upload, args.rendition).await?.is_none() {
        eprintln!("lazaret: upload {} is not published, or has no {} rendition", args.upload, args.rendition);
        return Ok(ExitCode::from(TROUBLE));
    }
    let term = args.expires.unwrap_or(config.delivery.expires);
    if term > config.delivery.max_expires {
        anyhow::bail!("--expires is at most {:?} (delivery.max_expires)", config.delivery.max_expires);
    }
    let expires_at = SystemClock.now() + term.0;
    say!("{}", app::signer(config)?.mint(args.upload, args.rendition, expires_at));
    Ok(ExitCode::SUCCESS)
}

//! What every adapter of a port, and every fake, must do: one async function a case, which takes a fresh adapter and
//! panics where a promise is broken. Each port's macro makes a named test of every case:
//!
//! ```text
//! async fn fresh() -> (Arc<Sqlite>, TempDir) { … }
//! lazaret::store_contract!(fresh);
//! ```
//!
//! The functions are generic, so a program that does not call them holds none of their code.

pub mod accounts;
pub mod blobs;
pub mod care;
pub mod drafts;
pub mod federation;
pub mod insight;
pub mod queue;
pub mod reports;
pub mod reviews;
pub mod samples;
pub mod snapshots;
pub mod store;
pub mod wall;

/// `$make` is an async function that returns a fresh `Arc<impl Port>` and a guard to keep while it is used.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_cases {
    ($port:ident, $make:path; $($case:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let (port, _guard) = $make().await;
            $crate::ports::contract::$port::$case(port).await;
        }
    )* };
}

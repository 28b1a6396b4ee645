//! `lazaret dead`: messages and webhook calls that were given up, and their second chance.

use super::output::{TROUBLE, printable, put, say, table};
use crate::{
    events::dead::{Dead, list, redrive},
    ports::{Clock, DeadLetters, Store, clock::SystemClock},
};
use std::{process::ExitCode, sync::Arc};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List what was given up, and why
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
        /// How many of messages and of calls, at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Send it back to where it came from
    #[command(group(clap::ArgGroup::new("which").required(true)))]
    Redrive {
        /// As `lazaret dead list` shows it
        #[arg(group = "which")]
        id: Option<String>,
        /// Everything
        #[arg(long, group = "which")]
        all: bool,
    },
}

/// The longest body and detail in the table, in characters.
const SHOWN_CHARS: usize = 60;

pub(super) async fn run(
    command: Command,
    store: Arc<dyn Store>,
    letters: Option<Arc<dyn DeadLetters>>,
) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { json, limit } => {
            let dead = list(&*store, letters.as_deref(), limit).await?;
            if json {
                for one in dead {
                    say!("{}", serde_json::to_string(&one)?);
                }
            } else {
                put!("{}", shown(&dead));
            }
        }
        Command::Redrive { id, .. } => {
            let count = redrive(&*store, letters.as_deref(), id.as_deref(), SystemClock.now()).await?;
            if let Some(id) = id.filter(|_| count == 0) {
                eprintln!("lazaret: there is nothing dead with the id {id:?}; see `lazaret dead list`");
                return Ok(ExitCode::from(TROUBLE));
            }
            say!("{count} sent back");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Bodies and details came from outside.
fn shown(dead: &[Dead]) -> String {
    let short = |text: &str| {
        let mut cut: String = text.chars().take(SHOWN_CHARS).collect();
        if cut.len() < text.len() {
            cut.push('…');
        }
        printable(&cut)
    };
    let rows: Vec<Vec<String>> = dead
        .iter()
        .map(|one| {
            vec![
                printable(&one.id),
                printable(&one.place),
                printable(&one.code),
                short(&one.detail),
                short(&one.body),
            ]
        })
        .collect();
    table(&["ID", "WHERE", "CODE", "WHY", "BODY"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        adapters::sqlite::Sqlite,
        ports::{
            Result,
            contract::samples,
            dead::DeadLetter,
            store::{Accepted, Handed},
        },
    };
    use std::sync::Mutex;

    /// One dead letter, and what was redriven.
    #[derive(Default)]
    struct Letters(Mutex<Vec<Option<String>>>);

    #[async_trait::async_trait]
    impl DeadLetters for Letters {
        async fn list(&self, _limit: usize) -> Result<Vec<DeadLetter>> {
            Ok(vec![DeadLetter {
                id: "letter-1".into(),
                queue: "lazaret.uploads".into(),
                code: "source.forbidden".into(),
                detail: "nobody's\x1b[2J".into(),
                body: "{\"a\":1}".into(),
            }])
        }

        async fn redrive(&self, id: Option<&str>) -> Result<u64> {
            self.0.lock().unwrap().push(id.map(str::to_owned));
            Ok(u64::from(id.is_none_or(|id| id == "letter-1")))
        }
    }

    /// A store in which the first entry's call of the webhook `w` died.
    async fn store() -> (Sqlite, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("lazaret.db")).await.unwrap();
        assert_eq!(store.accept(&samples::upload(1)).await.unwrap(), Accepted::New);
        let handed = [Handed { sequence: 1, webhooks: vec!["w".into()] }];
        store.outbox_handed_on(&handed, samples::at(1)).await.unwrap();
        store.call_failed(1, "w", "answered 500", None).await.unwrap();
        (store, folder)
    }

    #[tokio::test]
    async fn letters_and_calls_stand_in_one_list_and_go_back_by_their_ids() {
        let ((store, _folder), letters) = (store().await, Letters::default());
        let ids = async |letters: Option<&dyn DeadLetters>| {
            let all = list(&store, letters, 10).await.unwrap();
            all.into_iter().map(|dead| dead.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(Some(&letters)).await, ["letter-1", "call:1"]);
        assert_eq!(ids(None).await, ["call:1"]);
        let table = shown(&list(&store, Some(&letters), 10).await.unwrap());
        assert!(table.contains("answered 500") && table.contains("webhook w") && !table.contains('\x1b'));

        let again = async |letters, id| redrive(&store, letters, id, samples::at(2)).await.unwrap();
        for unknown in ["call:2", "call:x", "letter-2", ""] {
            assert_eq!(again(Some(&letters as &dyn DeadLetters), Some(unknown)).await, 0, "{unknown}");
        }
        assert_eq!(again(Some(&letters), Some("letter-1")).await, 1);
        assert_eq!(again(None, Some("letter-1")).await, 0);
        assert_eq!(again(None, Some("call:1")).await, 1);
        assert_eq!(ids(None).await, [""; 0]);
        store.call_failed(1, "w", "answered 500", None).await.unwrap();
        assert_eq!(again(Some(&letters), None).await, 2);
        assert_eq!(letters.0.lock().unwrap().last(), Some(&None));
    }
}

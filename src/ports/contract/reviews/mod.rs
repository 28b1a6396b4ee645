//! The suite of the flagged queue, whose adapter is a store too.

mod log;
mod queue;
mod rounds;
mod rulings;

pub use log::*;
pub use queue::*;
pub use rounds::*;
pub use rulings::*;

use super::samples::{at, id, settled, upload};
use crate::{
    ports::{
        Reviews, Store,
        accounts::{Deed, Queues, Tenants},
        reviews::{Becomes, Ruling, Standing, Status, View},
    },
    upload::{Decision, ruling::Kind},
};

#[macro_export]
macro_rules! reviews_contract {
    ($make:path) => {
        $crate::contract_cases! { reviews, $make;
            what_goes_to_review_is_in_the_queue
            the_queue_shows_what_a_view_sees
            the_queue_goes_on_where_a_page_ended
            items_are_found_by_what_they_are_taken_for
            items_are_found_and_counted_by_each_of_their_reasons
            what_one_sees_goes_by_the_first_reason_whatever_is_asked_for
            of_more_reasons_than_an_index_takes_the_first_are_found
            no_two_people_have_one_item
            a_lease_that_runs_out_comes_back
            a_skipped_item_goes_to_others
            an_item_goes_past_all_who_skipped_it
            what_somebody_skipped_is_told_in_the_order_of_their_skips
            of_two_rulings_one_wins
            a_ruling_is_carried_out_once
            what_needs_no_examination_waits_for_none
            an_approval_publishes_and_a_takedown_removes
            a_ruling_can_be_undone_until_it_is_due
            what_fails_is_open_again
            an_escalation_is_undone_while_nobody_looks
            what_waits_for_a_second_person_is_undone_while_nobody_else_looks
            a_reversal_waits_for_a_second_person_until_it_is_carried_out
            what_was_ruled_together_is_undone_together
            many_are_looked_at_at_once_as_each_is_by_itself
            a_sealed_item_is_kept_and_in_no_list
            an_erased_upload_leaves_the_queue
            a_seal_that_was_lifted_does_not_come_back
            an_escalation_that_is_undone_leaves_none_of_before
            what_was_quarantined_already_is_sealed
            what_is_erased_is_ruled_on_no_more
            what_is_sealed_and_waits_is_in_a_list_of_its_own
            the_log_is_searched
            the_log_shows_what_is_in_sight
        }
    };
}

/// All that waits.
pub fn all() -> View {
    View {
        tenants: Tenants::All,
        queues: Queues::All,
        escalated: true,
        tenant: None,
        reason: None,
        media_type: None,
        label: None,
        voiced: None,
        before: None,
    }
}

fn deed(action: &'static str, second: i64) -> Deed<'static> {
    Deed { actor: "user:ann", action, at: at(second) }
}

fn ruling(kind: Kind, due: Option<i64>) -> Ruling {
    Ruling {
        upload: id(1),
        number: 0,
        kind,
        reason: "spam".into(),
        note: "why".into(),
        overrides: vec!["coverage.image.partial".into(), "coverage.video.failed".into()],
        over: "verdict 1".into(),
        by: "ann".into(),
        at: at(20),
        standing: if due.is_some() { Standing::Waiting } else { Standing::Done },
        due_at: due.map(at),
        fence: 0,
        outcome: None,
        batch: None,
    }
}

fn waits() -> Becomes {
    Becomes { status: Status::Waiting, escalated: false, sealed: false, not_by: Vec::new(), released: true }
}

async fn in_review<S: Store>(store: &S, count: u64) {
    for n in 1..=count {
        settled(store, &upload(n), Decision::Review, 9 + n as i64).await;
    }
}

/// Held by ann, and ruled on at second 20, to be carried out at 50.
async fn ruled<S: Store + Reviews>(store: &S, kind: Kind) -> Ruling {
    in_review(store, 1).await;
    let item = store.take(id(1), "ann", at(19), at(100)).await.unwrap().expect("nobody has it");
    let said = ruling(kind, Some(50));
    let number = store.rule(&item, &said, &waits(), deed("ruling.made", 20)).await.unwrap();
    Ruling { number: number.expect("it is ann's"), ..said }
}

async fn due<S: Reviews>(store: &S) -> Ruling {
    store.due_ruling(at(50), at(60)).await.unwrap().expect("it is due")
}

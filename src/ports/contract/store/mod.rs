//! The Store's suite.

mod direct;
mod ending;
mod episodes;
mod events;
mod intake;
mod machine;
mod records;
mod settling;
mod shares;
mod streams;
mod watched;
mod work;

pub use direct::*;
pub use ending::*;
pub use episodes::*;
pub use events::*;
pub use intake::*;
pub use machine::*;
pub use records::*;
pub use settling::*;
pub use shares::*;
pub use streams::*;
pub use work::*;

#[macro_export]
macro_rules! store_contract {
    ($make:path) => {
        $crate::contract_cases! { store, $make;
            an_accepted_upload_is_read_back
            accepting_an_id_twice_is_refused
            an_idempotency_key_answers_the_same_for_the_same
            an_idempotency_key_belongs_to_one_tenant
            one_of_many_concurrent_accepts_of_a_key_is_new
            another_tenants_upload_is_not_there
            uploads_are_listed_newest_first_by_page_and_state
            one_of_many_concurrent_claims_wins
            a_claim_waits_until_it_is_due
            an_expired_lease_can_be_claimed_and_fences_out_its_holder
            an_expired_lease_that_nobody_took_is_still_good
            extending_moves_the_end_of_a_lease
            a_release_refunds_the_attempt_only_for_an_engines_trouble
            what_a_scan_is_busy_with_is_shown_until_it_ends
            fresh_work_is_due_oldest_first
            a_start_frees_every_lease
            the_backlog_counts_what_is_not_settled
            a_settlement_shows_everywhere_at_once
            every_decision_has_its_state_and_event
            settling_twice_is_stale
            renditions_need_a_publish_verdict_of_the_accepted_bytes
            a_rendition_is_served_only_while_published
            erasing_forgets_and_frees_the_idempotency_key
            erasing_takes_the_lease_away
            the_sweeper_learns_what_is_used_and_known
            keys_are_kept_and_revoked
            policies_count_from_two
            the_audit_log_is_whole
            the_store_answers_a_ping
            a_senders_own_id_is_one_upload_of_its_tenant
            an_idempotency_key_finds_its_upload
            any_character_can_be_said
            an_awaited_upload_is_completed_once
            what_was_awaited_too_long_is_overdue
            what_was_handed_on_is_pending_no_more
            one_at_a_time_leads
            a_webhook_hears_of_an_upload_in_order
            a_dead_call_waits_to_be_redriven
            an_uploads_events_are_in_order
            tenants_take_turns
            many_tenants_are_all_asked_in_time
            it_is_told_when_work_can_be_claimed_again
            leases_that_ran_out_are_reaped
            what_nobody_claims_is_announced_again
            work_whose_message_is_gone_is_announced_as_it_is_given_back
            backlogs_are_counted_by_tenant
            a_stream_is_opened_rekeyed_and_closed
            one_at_a_time_watches_a_stream
            a_streams_change_shows_everywhere_at_once
            episodes_are_listed_and_end_with_their_stream
            deserted_streams_are_found
            an_episode_is_ruled_on_once_by_who_holds_it
            the_last_word_on_an_episode_is_taken_back_in_time_by_who_said_it
            how_it_goes_with_a_source_is_its_watchers_to_say
            a_day_on_one_stream_makes_no_rows
            a_stream_that_flaps_fills_no_log
            a_tenant_has_so_many_open_streams
            what_was_ruled_on_and_what_was_closed_is_erased_in_time
            a_forgotten_stream_is_closed
            what_was_ruled_on_takes_nothing_more_in
            what_goes_on_is_not_ruled_on_by_who_saw_its_beginning
            what_is_condemned_is_not_taken_back_and_names_no_frames
            what_the_log_says_of_a_stream_that_was_erased_its_tenants_people_see
        }
    };
}

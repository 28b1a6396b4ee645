use super::*;
use crate::streams::rules::tests::rules;
use crate::streams::unseen::{Kinds, Unseen};
use proptest::prelude::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn window() -> Window {
    Window::new(rules(), State::CLEAN, at(0))
}

/// One frame a second from second 0 on; the standing after each.
fn standings(grades: &[Grade]) -> Vec<Standing> {
    let mut window = window();
    (0..).zip(grades).map(|(second, grade)| window.judged(*grade, at(second)).standing).collect()
}

use Grade::{Bad, Certain, Clean, Near};
use Standing::{Cut, Pass, Warn};

#[test]
fn so_many_of_the_window_warn_or_cut_and_a_clean_while_clears() {
    let few = standings(&[Bad, Clean, Bad, Clean, Clean, Bad, Clean]);
    assert_eq!(few, [Pass; 7], "never three in five");
    assert_eq!(standings(&[Near, Clean, Bad, Near, Clean, Clean]), [Pass, Pass, Pass, Warn, Warn, Warn]);
    let cut = [Bad, Clean, Bad, Clean, Bad, Clean, Clean, Clean, Clean, Clean, Clean, Clean];
    let mut expected = vec![Pass; 4];
    expected.extend([Cut; 6]);
    // The window is full of clean frames after five; the fifth is four seconds after the first.
    expected.extend([Pass; 2]);
    assert_eq!(standings(&cut), expected);
    assert_eq!(standings(&[Clean, Certain, Clean]), [Pass, Cut, Cut]);
}

#[test]
fn recovery_takes_frames_and_time() {
    let mut quick = window();
    quick.judged(Certain, at(0));
    for _ in 0..100 {
        assert_eq!(quick.judged(Clean, at(1)).standing, Cut, "a hundred frames within a second");
    }
    assert_eq!(quick.judged(Clean, at(6)).standing, Pass);
    let mut slow = window();
    slow.judged(Certain, at(0));
    for second in [3, 6, 9, 12] {
        assert_eq!(slow.judged(Clean, at(second)).standing, Cut, "{second}: the window is not full");
    }
    assert_eq!(slow.judged(Clean, at(15)).standing, Pass);
    // Of frames that came while nobody watched for too long, none counts.
    let mut gap = window();
    gap.judged(Certain, at(0));
    for second in [1, 2, 3, 4, 20, 21, 22, 23] {
        assert_eq!(gap.judged(Clean, at(second)).standing, Cut, "{second}");
    }
    assert_eq!(gap.judged(Clean, at(25)).standing, Pass);
}

#[test]
fn nobody_watching_is_never_a_pass() {
    let mut window = window();
    assert_eq!(window.state(), State::UNWATCHED, "from the first moment on");
    assert_eq!(window.judged(Clean, at(1)), State::CLEAN);
    assert_eq!(window.tick(at(11)), State::CLEAN);
    assert_eq!(window.tick(at(12)), State::UNWATCHED);
    assert_eq!(window.judged(Clean, at(30)), State::CLEAN);
    window.judged(Certain, at(31));
    let cut = State { standing: Cut, because: Because::Certain };
    assert_eq!(window.tick(at(99)), cut, "what is cut stays cut");
    let moved = Window::new(rules(), cut, at(0));
    assert_eq!(moved.state(), cut);
    assert_eq!(Window::new(rules(), State::UNWATCHED, at(0)).content(), State::CLEAN);
}

#[test]
fn a_clock_that_goes_back_clears_nothing() {
    let mut window = window();
    window.judged(Certain, at(100));
    for _ in 0..20 {
        assert_eq!(window.judged(Clean, at(5)).standing, Cut);
    }
    assert_eq!(window.tick(at(50)).standing, Cut);
    assert_eq!(window.judged(Clean, at(105)).standing, Pass);
}

/// A day at ten frames a second.
#[test]
fn a_day_does_not_make_it_grow() {
    let mut window = window();
    for n in 0..864_000_i64 {
        let grade = [Clean, Clean, Near, Bad][(n.unsigned_abs() as usize * 7919 / 13) % 4];
        let came = Timestamp::from_millisecond(1_790_000_000_000 + n * 100).unwrap();
        window.judged(grade, came);
    }
    assert_eq!((window.recent.len(), window.recent.capacity()), (5, window.rules.window));
    assert_eq!((window.looks.len(), window.looks.capacity()), (5, window.rules.window));
}

/// One look a second: what was judged clean, and what failed.
fn mixed(looks: &[bool]) -> Vec<State> {
    let mut window = window();
    let look = |(second, fine): (i64, &bool)| match fine {
        true => window.judged(Clean, at(second)),
        false => window.failed(Look::FAILED, at(second)),
    };
    (0..).zip(looks).map(look).collect()
}

#[test]
fn most_frames_that_fail_are_no_pass_until_few_do() {
    const PASS: State = State::CLEAN;
    const SPOILED: State = State::UNDECODABLE;
    let (y, n) = (true, false);
    assert_eq!(mixed(&[y, y, n, y, n, y, y, n, y]), [PASS; 9], "never more than half of five");
    assert_eq!(mixed(&[y, n, n])[1..], [PASS, SPOILED]);
    assert_eq!(mixed(&[n, y, y, y, y, y])[..1], [State::UNWATCHED]);
    // The window must be full, and no more than a quarter of it failed.
    assert_eq!(mixed(&[n, y, y, y, y])[1..], [SPOILED, SPOILED, SPOILED, PASS]);
    assert_eq!(mixed(&[y, y, n, n, n, y, y, y, y])[4..], [SPOILED, SPOILED, SPOILED, SPOILED, PASS]);
    // What is cut is not cleared by the few that can be judged.
    let mut cut = window();
    cut.judged(Certain, at(0));
    for second in 1..100 {
        cut.failed(Look::FAILED, at(second));
        cut.beside(Look::FAILED);
        assert_eq!(cut.judged(Clean, at(second)).standing, Cut);
    }
    // It goes with the stream to its next watcher.
    let mut moved = Window::new(rules(), SPOILED, at(0));
    let stands: Vec<_> = (1..7).map(|second| moved.judged(Clean, at(second))).collect();
    assert_eq!(stands[3..], [SPOILED, PASS, PASS]);
}

#[test]
fn an_engines_trouble_is_not_its_publishers() {
    let mut window = window();
    window.judged(Clean, at(0));
    for second in 1..4 {
        window.failed(Look::BLIND, at(second));
    }
    assert_eq!(window.judged(Clean, at(4)), State::UNWATCHED);
    for second in 5..8 {
        window.failed(Look::FAILED, at(second));
    }
    assert_eq!(window.judged(Clean, at(8)), State::UNDECODABLE);
}

#[test]
fn what_comes_beside_counts_with_the_next_look() {
    let mut window = window();
    window.judged(Clean, at(0));
    window.beside(Look { failed: 9, blind: 0, fine: 0 });
    assert_eq!(window.tick(at(1)), State::CLEAN);
    assert_eq!(window.judged(Clean, at(2)), State::UNDECODABLE);
    let mut window = self::window();
    window.beside(Look { failed: 9, blind: 0, fine: 24 });
    assert_eq!(window.judged(Clean, at(2)), State::CLEAN, "nine of thirty-four");
    window.beside(Look { failed: u32::MAX, blind: u32::MAX, fine: u32::MAX });
    assert_eq!(window.judged(Clean, at(3)), State::UNDECODABLE);
}

#[test]
fn what_holds_more_than_is_seen_is_no_pass() {
    let tracks = Kinds::from_iter([Unseen::Tracks]);
    let mut window = window();
    window.holds_more(tracks);
    assert_eq!(window.state(), State::UNWATCHED);
    assert_eq!(window.judged(Clean, at(1)), State::UNSEEN);
    assert_eq!(window.judged(Certain, at(2)).standing, Cut);
    window.holds_more(Kinds::default());
    assert_eq!(window.judged(Clean, at(3)).standing, Cut);
    assert_eq!(Window::new(rules(), State::UNSEEN, at(0)).content(), State::CLEAN);
    // One kind that is put up with, and another beside it.
    let mut window = Window::new(Rules { tolerate: tracks, ..rules() }, State::CLEAN, at(0));
    window.holds_more(tracks);
    assert_eq!(window.judged(Clean, at(1)), State::CLEAN);
    window.holds_more([Unseen::Tracks, Unseen::Subtitles].into_iter().collect());
    assert_eq!(window.judged(Clean, at(2)), State::UNSEEN);
}

fn any_grade() -> impl Strategy<Value = Grade> {
    prop_oneof![Just(Clean), Just(Near), Just(Bad), Just(Certain)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn one_stray_frame_never_cuts(before in 0..40_usize, after in 0..40_usize, near in any::<bool>()) {
        let mut grades = vec![Clean; before];
        grades.push(if near { Near } else { Bad });
        grades.extend(vec![Clean; after]);
        prop_assert!(standings(&grades).iter().all(|standing| *standing == Pass));
    }

    /// Whatever comes, and however long the pauses: had every frame been as bad or worse, no decision were better.
    #[test]
    fn it_is_monotonic(
        frames in prop::collection::vec((any_grade(), any_grade(), 0..15_i64, any::<bool>()), 1..200),
    ) {
        let (mut better, mut worse) = (window(), window());
        let mut second = 0;
        for (one, other, pause, looks) in frames {
            second += pause;
            if looks {
                prop_assert!(better.tick(at(second)).standing <= worse.tick(at(second)).standing);
            }
            let low = better.judged(one.min(other), at(second));
            let high = worse.judged(one.max(other), at(second));
            prop_assert!(low.standing <= high.standing, "{low:?} {high:?} at {second}");
        }
    }

    /// Frames that are left out (skipped, lost, spoiled) never make a stream that is cut pass sooner.
    #[test]
    fn skipped_frames_never_count_as_clean(kept in prop::collection::vec(any::<bool>(), 1..60)) {
        let (mut all, mut some) = (window(), window());
        all.judged(Certain, at(0));
        some.judged(Certain, at(0));
        for (second, kept) in (1..).zip(kept) {
            let cleared = all.judged(Clean, at(second)).standing == Pass;
            let sooner = if kept { some.judged(Clean, at(second)) } else { some.tick(at(second)) };
            prop_assert!(cleared || sooner.standing == Cut);
        }
    }

    /// Whatever comes: where more than the share of the last looks failed there is no pass.
    #[test]
    fn a_pass_needs_most_frames_to_be_judged(
        looks in prop::collection::vec((any::<bool>(), 0..3_u32, 0..3_u32), 1..200),
    ) {
        let mut window = window();
        let mut counts = Vec::new();
        for (second, (fine, failed, passed)) in (0..).zip(looks) {
            window.beside(Look { failed, blind: 0, fine: passed });
            let state = match fine {
                true => window.judged(Clean, at(second)),
                false => window.failed(Look::FAILED, at(second)),
            };
            counts.push((failed + u32::from(!fine), passed + u32::from(fine)));
            let last = counts.iter().rev().take(5);
            let (bad, good) = last.fold((0, 0), |(bad, good), (b, g)| (bad + b, good + g));
            prop_assert!(bad <= good || state.standing != Pass, "{bad} failed and {good} did not");
        }
    }

    /// One more frame that fails makes nothing better, wherever it comes.
    #[test]
    fn a_failed_frame_never_helps(
        frames in prop::collection::vec((any_grade(), any::<bool>(), any::<bool>()), 1..100),
    ) {
        let (mut less, mut more) = (window(), window());
        for (second, (grade, fine, extra)) in (0..).zip(frames) {
            if extra {
                more.failed(Look::FAILED, at(second));
            }
            let look = |window: &mut Window| match fine {
                true => window.judged(grade, at(second)),
                false => window.failed(Look::FAILED, at(second)),
            };
            let (one, other) = (look(&mut less), look(&mut more));
            prop_assert!(one.standing <= other.standing, "{one:?} {other:?} at {second}");
        }
    }

    #[test]
    fn a_pass_needs_a_frame_judged_within_the_deadline(
        frames in prop::collection::vec((any_grade(), 0..30_i64), 1..100),
    ) {
        let mut window = window();
        let (mut now, mut judged) = (0, None);
        for (grade, pause) in frames {
            now += pause;
            if window.tick(at(now)).standing == Pass {
                let last: i64 = judged.unwrap();
                prop_assert!(now - last <= 10);
            }
            window.judged(grade, at(now));
            judged = Some(now);
        }
    }
}

#[test]
fn what_a_person_cut_no_frame_clears() {
    let by_hand = State { standing: Cut, because: Because::Person };
    let mut window = Window::new(rules(), by_hand, at(0));
    assert_eq!(window.state(), by_hand, "watched or not");
    for second in 1..100 {
        assert_eq!(window.judged(Clean, at(second)), by_hand);
    }
    assert_eq!(window.judged(Certain, at(100)), by_hand);
}

#[test]
fn a_frame_counts_from_when_it_came_and_not_from_when_it_was_judged() {
    let mut window = window();
    window.tick(at(20));
    assert_eq!(window.judged(Clean, at(1)), State::UNWATCHED, "it is too old to say anything");
    assert_eq!(window.judged(Clean, at(19)), State::CLEAN);
    assert_eq!(window.judged(Clean, at(17)), State::CLEAN, "an older one takes nothing back");
    assert_eq!(window.watched_at(), Some(at(19)));
    // What it shows counts all the same.
    assert_eq!(window.judged(Certain, at(1)).standing, Cut);
}

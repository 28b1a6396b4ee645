//! What must be seen of a group of pictures.

use super::index::Index;
use lazaret_sandbox::{FilmRequest, Taken, Why};

/// A key frame and the packets up to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    /// Packets, the last one not counted.
    pub(super) from: usize,
    pub(super) to: usize,
    /// Rank of the key frame, and of the next one, which may be behind the last of all.
    pub(super) key: usize,
    pub(super) next: usize,
}

/// The groups of the film, in order.
pub(super) fn groups(index: &Index) -> Vec<Group> {
    let keys: Vec<usize> = (0..index.entries.len()).filter(|packet| index.entries[*packet].key).collect();
    let rank = |packet: usize| index.entries.get(packet).map_or(index.at.len(), |entry| entry.rank);
    let ends = keys.iter().skip(1).copied().chain(std::iter::once(index.entries.len()));
    let group = |(from, to)| Group { from, to, key: rank(from), next: rank(to) };
    keys.iter().copied().zip(ends).map(group).collect()
}

/// Frames of one group that may come before its key frame, and the share of a film's frames that may, one in so many:
/// what x265 makes by itself (four of 250). No look comes to them.
const LEADING: usize = 4;
const SHARE: usize = 50;

/// Why too many frames are out of reach: those that are shown before the key frame at which their group begins hang on
/// what is before it, so that no decoder that begins there shows them.
pub(super) fn out_of_reach(index: &Index) -> Option<Why> {
    let leads = |group: &Group| {
        (group.from..group.to).filter(|packet| index.entries[*packet].rank < group.key).count()
    };
    let counts: Vec<usize> = groups(index).iter().map(leads).collect();
    let (all, most) = (counts.iter().sum::<usize>(), counts.iter().max().copied().unwrap_or(0));
    let frames = index.at.len();
    // Before the first key frame not a single one: nothing is there on which it could hang.
    let is_few = counts.first().is_none_or(|first| *first == 0) && most <= LEADING && all * SHARE <= frames;
    let detail =
        || format!("{all} of {frames} frames are shown before their key frame and cannot be looked at");
    (!is_few).then(|| Why::new("leading", detail()))
}

/// The packet of the group behind those of its frames up to this one.
pub(super) fn until(index: &Index, group: &Group, last: usize) -> usize {
    let within = |packet: &usize| (group.key..=last).contains(&index.entries[*packet].rank);
    (group.from..group.to).rev().find(within).unwrap_or(group.from) + 1
}

/// Instants that are to be seen for themselves, by rank: the first frame from there on. In order.
pub(super) fn instants(index: &Index, request: &FilmRequest) -> Vec<(usize, Taken)> {
    if !request.spans.is_empty() {
        return Vec::new();
    }
    let last = index.at.len() - 1;
    let end = index.at[last];
    let mut seed = request.seed;
    let stretches = i128::from(stretches_of(end, request));
    let mut wanted: Vec<(usize, Taken)> = (0..stretches)
        .map(|n| {
            // Where in the stretch, in 2^-32.
            let within = i128::from(next(&mut seed) >> 32);
            let at = i128::from(end) * ((n << 32) + within) / (stretches << 32);
            (index.rank_at(at as i64), Taken::Random)
        })
        .collect();
    // The last second: its first frame, so that one that is shown late in it will do.
    let second = index.at.partition_point(|at| *at < end - 1_000_000);
    wanted.push((second.min(last), Taken::Last));
    wanted.sort_by_key(|(rank, _)| *rank);
    wanted
}

/// How many stretches have a random instant each. No more than frames may be shown at all.
fn stretches_of(end: i64, request: &FilmRequest) -> u64 {
    match request.random_every_ms {
        0 => 0,
        every => (end.unsigned_abs() / 1000).div_ceil(every).max(2).min(u64::from(request.max_frames)),
    }
}

/// The stretches of a closer look, as ranks from the first to the last frame in each.
pub(super) fn stretches(index: &Index, request: &FilmRequest) -> Vec<(usize, usize)> {
    let micros = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
    let ranks = |(from, to): &(u64, u64)| {
        let first = index.at.partition_point(|at| *at < micros(*from));
        // All of the last millisecond.
        (first, index.rank_at(micros(*to).saturating_add(999)))
    };
    request.spans.iter().map(ranks).filter(|(first, last)| first <= last && *first < index.at.len()).collect()
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn film(frames: i64, gop: i64) -> Index {
        let raw: Vec<_> = (0..frames).map(|n| (Some(n * 40_000), n % gop == 0)).collect();
        Index::of(&raw, None)
    }

    #[test]
    fn groups_cover_all_packets() {
        let index = film(130, 50);
        let found = groups(&index);
        assert_eq!(
            found.iter().map(|g| (g.from, g.to)).collect::<Vec<_>>(),
            [(0, 50), (50, 100), (100, 130)]
        );
        assert_eq!((found[2].key, found[2].next), (100, 130));
    }

    #[test]
    fn packets_are_needed_up_to_the_last_one_of_a_frame_that_is_looked_at() {
        // As encoders put them: a key frame, one that hangs on the group before, a far one, those between.
        let raw = [0, 120, 40, 80, 240, 160, 200, 320, 280, 400]
            .map(|ms| (Some(ms * 1000), [0, 320].contains(&ms)));
        let index = Index::of(&raw, None);
        let found = groups(&index);
        let of = |group: usize, last| until(&index, &found[group], last);
        assert_eq!((of(0, 0), of(0, 1), of(0, 3), of(0, 6)), (1, 3, 4, 7));
        assert_eq!(
            (found[1].key, of(1, 8), of(1, 9)),
            (8, 8, 10),
            "what comes before the key frame is not needed"
        );
    }

    /// Regression: three quarters of a film of open groups could not be looked at, and nothing said so.
    #[test]
    fn frames_that_lead_their_key_frames_are_few_or_told() {
        let led = |frames: i64, gop: i64, leading: i64| {
            let mut raw: Vec<_> = (0..frames).map(|n| (Some(n * 40_000), n % gop == 0)).collect();
            for key in (gop..frames).step_by(gop as usize) {
                raw[(key - leading) as usize..=key as usize].rotate_right(1);
            }
            out_of_reach(&Index::of(&raw, None)).map(|why| why.code)
        };
        let told = Some("leading".to_owned());
        assert_eq!((led(1000, 250, 0), led(1000, 250, 4)), (None, None), "closed groups, and x265 by itself");
        assert_eq!(
            (led(1000, 250, 5), led(60, 16, 15), led(60, 16, 1)),
            (told.clone(), told.clone(), told.clone())
        );
        let cut: Vec<_> = [80, 0, 40].into_iter().chain((3..400).map(|n| n * 40)).collect();
        let cut: Vec<_> = cut.into_iter().map(|ms| (Some(ms * 1000), ms == 80)).collect();
        assert_eq!(out_of_reach(&Index::of(&cut, None)).map(|why| why.code), told, "before the first");
    }

    #[test]
    fn stretches_hold_the_frames_within_them() {
        let index = film(100, 50);
        let spans = vec![(100, 200), (3_960, 9_000), (41, 79), (5_000, 6_000)];
        let request = FilmRequest { spans, ..FilmRequest::new(Vec::new()) };
        assert_eq!(stretches(&index, &request), [(3, 5), (99, 99)]);
    }

    #[test]
    fn random_instants_are_the_same_for_one_file_and_others_for_another() {
        let index = film(1000, 50);
        let request = |seed| FilmRequest { seed, random_every_ms: 8_000, ..FilmRequest::new(Vec::new()) };
        let of = |seed| instants(&index, &request(seed));
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
        assert_eq!(of(7).len(), 6);
        assert!(of(7).iter().all(|(rank, _)| *rank < 1000));
        let last = of(7).into_iter().find(|(_, taken)| *taken == Taken::Last);
        assert_eq!(last, Some((974, Taken::Last)));
    }

    #[test]
    fn no_stretch_is_without_a_random_instant_and_no_lie_about_time_makes_too_many() {
        let of = |frames, every| {
            let request = FilmRequest { random_every_ms: every, ..FilmRequest::new(Vec::new()) };
            let found = instants(&film(frames, 50), &request);
            found
                .iter()
                .filter(|(_, taken)| *taken == Taken::Random)
                .map(|(rank, _)| *rank)
                .collect::<Vec<_>>()
        };
        // 40 s, 25 frames a second.
        let ten = of(1000, 4_000);
        assert_eq!(ten.len(), 10);
        for (n, rank) in ten.iter().enumerate() {
            assert!((n * 100..=(n + 1) * 100).contains(rank), "{ten:?}");
        }
        assert_eq!((of(1000, 0).len(), of(10, 20_000).len(), of(1000, 1).len()), (0, 2, 1_800));
    }
}

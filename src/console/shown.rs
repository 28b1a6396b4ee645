//! What there is to see of an item: a picture, the contact sheet of a film with its findings drawn on it, or why there
//! is nothing.

use super::words;
use crate::pipeline::is_sound;
use crate::review::desk::has_bytes;
use crate::upload::{
    State,
    film::{FilmDetail, Sound},
    verdict::{FindingDetail, VerdictDetail},
};
use lazaret_report::{Evidence, Region};

/// Frames side by side on a contact sheet: `workers/media/src/sheet.rs` lays it out so.
const COLUMNS: usize = 6;
/// About so much of a frame's place on it is margin, on each side.
const EDGE: f32 = 0.01;
/// Models say of every label how high it came; this much of one is drawn.
const DRAWN: f32 = 0.5;
/// Places that are drawn in one frame: what has more of them is plain without.
const MARKS: usize = 24;
/// The length of a film's line of time, in its own units.
const LINE: f64 = 1000.0;

pub(super) struct Stage {
    /// Where the picture or the sheet is.
    pub url: Option<String>,
    pub alt: &'static str,
    pub about: &'static str,
    pub sheet: Option<Sheet>,
    /// Where in a still picture findings were.
    pub marks: Vec<Mark>,
    /// Why there is nothing to see.
    pub why_not: String,
    pub film: Option<Film>,
}

/// A finding's place, in the units of what it is drawn on.
pub(super) struct Mark {
    pub x: String,
    pub y: String,
    pub width: String,
    pub height: String,
}

/// Frames in rows, and when findings were.
pub(super) struct Sheet {
    pub columns: usize,
    pub rows: usize,
    pub cells: Vec<Cell>,
    pub spans: Vec<Span>,
    pub ticks: Vec<String>,
    pub length: String,
}

pub(super) struct Cell {
    pub column: usize,
    pub row: usize,
    pub at: String,
    /// In seconds.
    pub moment: String,
    pub taken: String,
    /// The worst one of a finding.
    pub marked: bool,
    /// Where in it, on the sheet.
    pub marks: Vec<Mark>,
}

pub(super) struct Span {
    pub x: String,
    pub width: String,
    pub worst: String,
    pub words: String,
    /// When it was worst, in seconds.
    pub moment: String,
}

/// What is known of a film or an animation.
pub(super) struct Film {
    pub size: String,
    pub length: String,
    pub frames: String,
    pub sound: &'static str,
}

impl Stage {
    /// `base` is where the media are, with the mark of this view.
    pub(super) fn of(detail: &VerdictDetail, state: State, base: &str) -> Self {
        let media_type = detail.r#type.media_type.as_str();
        let film = detail.film.as_ref();
        let mut stage = Self {
            url: None,
            alt: "The held picture, blurred until you ask to see it",
            about: "a copy made in the sandbox, grey and blurred until you hold",
            sheet: None,
            marks: Vec::new(),
            why_not: String::new(),
            film: film.map(Film::of),
        };
        if !has_bytes(state) {
            stage.why_not = "It was erased: its bytes are gone.".into();
        } else if let Some(film) = film.filter(|film| film.sheet.is_some()) {
            stage.url = Some(base.to_owned());
            stage.alt = "Frames of it in a contact sheet, blurred until you ask to see them";
            stage.about = "a contact sheet made in the sandbox, grey and blurred until you hold";
            stage.sheet = Some(Sheet::of(film, &detail.findings));
        } else if crate::pipeline::is_decodable(media_type) {
            stage.url = Some(base.to_owned());
            stage.marks = detail.findings.iter().flat_map(marks_of_a_still).take(MARKS).collect();
        } else {
            stage.why_not = why_not(media_type);
        }
        stage
    }
}

impl Mark {
    fn at(region: &Region, place: impl Fn(f32, f32) -> (f32, f32), part: f32) -> Self {
        let (x, y) = place(region.x, region.y);
        let [x, y, width, height] =
            [x, y, region.width * part, region.height * part].map(|side| format!("{side:.4}"));
        Self { x, y, width, height }
    }
}

/// On the whole picture. What was seen in a member of an archive is nowhere on it.
fn marks_of_a_still(finding: &FindingDetail) -> impl Iterator<Item = Mark> {
    let shown = matches!(finding.evidence, Some(Evidence::Frame { .. }));
    let regions = finding.regions.iter().filter(move |_| shown);
    regions.map(|region| Mark::at(region, |x, y| (x, y), 1.0))
}

/// In words for who has to decide without.
fn why_not(media_type: &str) -> String {
    let (family, _) = media_type.split_once('/').unwrap_or((media_type, ""));
    match (family, media_type) {
        (_, "application/pdf") => {
            "The pages of a PDF are not drawn. Nothing that opens PDFs runs in the sandbox, and nothing of a held file \
             is opened anywhere else. What is known of it stands below: its structure, what was found, and what was \
             not looked at."
        }
        ("video", _) => {
            "No frame of this film could be shown: no contact sheet could be made of it."
        }
        ("audio", _) if is_sound(media_type) => {
            "There is nothing to see of sound, and no model listens to it. A copy of it can be played below."
        }
        ("audio", _) => "Nothing here listens to sound of this kind, and no copy to be played is made of it.",
        ("text", _) | (_, "application/json") => "Text of held files is not shown here.",
        _ => return format!("No picture of it can be shown: {media_type} is not decoded for viewing."),
    }
    .to_owned()
}

impl Film {
    fn of(film: &FilmDetail) -> Self {
        Self {
            size: format!("{} × {}", film.width, film.height),
            length: words::clock(film.duration_ms),
            frames: format!("{} of {}", film.frames_seen, film.frames_total),
            sound: match film.sound {
                Sound::None => "none",
                Sound::NotChecked => "there is some, and nothing listened to it",
            },
        }
    }
}

/// For a player, which counts in seconds.
fn moment(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// When a finding was, and its worst frame.
struct Moment {
    from_ms: u64,
    to_ms: u64,
    at_ms: u64,
    frame: u32,
}

impl Sheet {
    fn of(film: &FilmDetail, findings: &[FindingDetail]) -> Self {
        let times: Vec<(&FindingDetail, Moment)> = findings
            .iter()
            .filter(|finding| finding.score.is_none_or(|score| score >= DRAWN))
            .filter_map(|finding| match finding.evidence {
                Some(Evidence::Time { from_ms, to_ms, at_ms, frame }) => {
                    Some((finding, Moment { from_ms, to_ms, at_ms, frame }))
                }
                _ => None,
            })
            .collect();
        let frames = film.sheet.as_ref().map_or(&[][..], |sheet| &sheet.frames);
        let columns = frames.len().clamp(1, COLUMNS);
        let x = |ms: u64| LINE * (ms as f64 / film.duration_ms.max(1) as f64).min(1.0);
        let cells = frames.iter().enumerate().map(|(n, frame)| {
            let (column, row) = (n % columns, n / columns);
            // By its number: many frames may be of one moment.
            let worst: Vec<_> = times.iter().filter(|(_, when)| when.frame == frame.frame).collect();
            let place = |x: f32, y: f32| {
                (column as f32 + EDGE + x * (1.0 - 2.0 * EDGE), row as f32 + EDGE + y * (1.0 - 2.0 * EDGE))
            };
            let regions = worst.iter().flat_map(|(finding, _)| &finding.regions).take(MARKS);
            Cell {
                column,
                row,
                at: words::clock(frame.at_ms),
                moment: moment(frame.at_ms),
                taken: frame.taken.clone(),
                marked: !worst.is_empty(),
                marks: regions.map(|region| Mark::at(region, place, 1.0 - 2.0 * EDGE)).collect(),
            }
        });
        let spans = times.iter().map(|(finding, when)| Span {
            x: format!("{:.1}", x(when.from_ms)),
            // A moment is to be seen, too.
            width: format!("{:.1}", (x(when.to_ms) - x(when.from_ms)).max(4.0)),
            worst: format!("{:.1}", x(when.at_ms)),
            words: words::finding(finding),
            moment: moment(when.at_ms),
        });
        Self {
            columns,
            rows: frames.len().div_ceil(columns).max(1),
            cells: cells.collect(),
            spans: spans.collect(),
            ticks: frames.iter().map(|frame| format!("{:.1}", x(frame.at_ms))).collect(),
            length: words::clock(film.duration_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::film::{SheetDetail, SheetFrame};

    #[test]
    fn findings_are_drawn_where_and_when_they_were() {
        let frame = |n: u32| SheetFrame { frame: n, at_ms: u64::from(n) * 1_000, taken: "key".into() };
        let sheet = SheetDetail {
            key: "k".into(),
            sha256: String::new(),
            size: 1,
            frames: (0..8).map(frame).collect(),
        };
        let film = FilmDetail {
            width: 640,
            height: 480,
            duration_ms: 10_000,
            frames_seen: 9,
            frames_total: 300,
            sound: Sound::None,
            sheet: Some(sheet),
        };
        let finding = |score, evidence| FindingDetail {
            check: "video".into(),
            code: "video.label".into(),
            detail: "porn".into(),
            score: Some(score),
            evidence,
            regions: Vec::new(),
        };
        let time = Evidence::Time { from_ms: 2_500, to_ms: 4_000, at_ms: 3_000, frame: 3 };
        let all = Evidence::Time { from_ms: 0, to_ms: 10_000, at_ms: 0, frame: 0 };
        let drawn =
            Sheet::of(&film, &[finding(0.9, Some(time)), finding(0.9, None), finding(0.01, Some(all))]);
        assert_eq!((drawn.columns, drawn.rows, drawn.spans.len()), (6, 2, 1));
        let marked: Vec<_> =
            drawn.cells.iter().filter(|cell| cell.marked).map(|cell| cell.at.as_str()).collect();
        assert_eq!(marked, ["0:03.0"]);
        assert_eq!((drawn.cells[7].column, drawn.cells[7].row), (1, 1));
        let Span { x, width, worst, moment, .. } = &drawn.spans[0];
        assert_eq!([x, width, worst, moment], ["250.0", "150.0", "300.0", "3.000"]);
        let region = Region { x: 0.5, y: 0.25, width: 0.5, height: 0.5 };
        let placed = |evidence| FindingDetail { regions: vec![region], ..finding(0.9, Some(evidence)) };
        let time = Evidence::Time { from_ms: 7_000, to_ms: 7_000, at_ms: 7_000, frame: 7 };
        let drawn = Sheet::of(&film, &[placed(time)]);
        assert_eq!(drawn.cells.iter().map(|cell| cell.marks.len()).sum::<usize>(), 1);
        let Mark { x, y, width, height } = &drawn.cells[7].marks[0];
        assert_eq!([x, y, width, height], ["1.5000", "1.2550", "0.4900", "0.4900"]);
        let of_a_still =
            |evidence| marks_of_a_still(&placed(evidence)).map(|mark| mark.x).collect::<Vec<_>>();
        assert_eq!(of_a_still(Evidence::Frame { index: 0 }), ["0.5000"]);
        assert!(of_a_still(Evidence::Member { name: "a.png".into() }).is_empty(), "it is not what is shown");
        // An animation may show all of its frames in no time at all.
        let mut at_once = film.clone();
        at_once.sheet.as_mut().unwrap().frames.iter_mut().for_each(|frame| frame.at_ms = 0);
        let crowded = FindingDetail {
            regions: vec![region; 8],
            ..placed(Evidence::Time { from_ms: 0, to_ms: 0, at_ms: 0, frame: 2 })
        };
        let drawn = Sheet::of(&at_once, &vec![crowded; 9]);
        let marks: Vec<usize> = drawn.cells.iter().map(|cell| cell.marks.len()).collect();
        assert_eq!(marks, [0, 0, MARKS, 0, 0, 0, 0, 0], "in the frame that it is of, and a few");
        // A film without a length, and one without frames, draw nothing that is no number.
        let empty = FilmDetail { duration_ms: 0, sheet: None, ..film };
        assert_eq!(Sheet::of(&empty, &[]).columns, 1);
    }

    #[test]
    fn an_animation_is_shown_by_its_sheet_and_a_picture_by_itself() {
        let judged = |film: serde_json::Value| -> VerdictDetail {
            serde_json::from_value(serde_json::json!({
                "verdict": "review", "sha256": "", "size": 1, "reasons": [], "findings": [], "checks": [],
                "labels": {}, "type": {"media_type": "image/gif", "declared": null}, "film": film,
            }))
            .unwrap()
        };
        let film = |sheet| {
            serde_json::json!({
                "width": 64, "height": 36, "duration_ms": 300, "frames_seen": 3, "frames_total": 3, "sound": "none",
                "sheet": sheet,
            })
        };
        let frames =
            [0, 100, 200].map(|at| serde_json::json!({"frame": at / 100, "at_ms": at, "taken": "each"}));
        let sheet = serde_json::json!({"key": "k", "sha256": "", "size": 1, "frames": frames});
        let moving = Stage::of(&judged(film(sheet)), State::InReview, "/media");
        assert_eq!(moving.sheet.unwrap().columns, 3);
        for still in [serde_json::Value::Null, film(serde_json::Value::Null)] {
            let stage = Stage::of(&judged(still), State::InReview, "/media");
            assert_eq!((stage.url.as_deref(), stage.sheet.is_some()), (Some("/media"), false));
        }
    }

    #[test]
    fn a_pdf_says_why_it_is_not_drawn() {
        assert!(why_not("application/pdf").contains("not drawn"));
        assert!(why_not("application/zip").contains("application/zip"));
    }
}

//! Magic bytes and content model, brought to one answer.

use super::magic::Magic;
use super::model::ModelAnswer;
use super::{UNKNOWN, family};

/// The one answer.
#[derive(Debug, PartialEq)]
pub(super) struct Content {
    pub media_type: String,
    /// Set where the model answered and the type rests on its word: its score.
    pub score: Option<f32>,
    /// Set where the two disagree about something that matters: what the model says.
    pub conflict: Option<String>,
}

/// From this score on, the model may refine what the magic bytes say, or overrule weak ones, or stand alone.
const LIKELY: f32 = 0.8;
const SURE: f32 = 0.9;
/// From this score on, it contradicts firm magic bytes loudly enough for people to be asked.
const CERTAIN: f32 = 0.97;

/// `is_text` says whether the head reads as text.
pub(super) fn reconcile(magic: Option<&Magic>, model: Option<&ModelAnswer>, is_text: bool) -> Content {
    let model = model.and_then(|m| m.media_type.as_deref().map(|t| (t, m.score)));
    // A few bytes of binary magic that also read as text are text.
    let magic = magic.filter(|m| m.firm || !is_text || family::is_text(&m.media_type));
    match (magic, model) {
        (Some(magic), Some((says, score))) => both(magic, says, score),
        (Some(magic), None) => content(&magic.media_type, None),
        (None, Some((says, score))) if alone(says, score, is_text) => content(says, Some(score)),
        (None, _) if is_text => content(family::TEXT, None),
        (None, _) => content(UNKNOWN, None),
    }
}

/// Whether the model's word is enough where the magic bytes are silent. It is not for a format that cannot be without
/// them: the model takes any bundle that holds pictures for a picture.
fn alone(says: &str, score: f32, is_text: bool) -> bool {
    if family::is_text(says) { is_text || score >= SURE } else { score >= SURE && !family::has_magic(says) }
}

fn both(magic: &Magic, says: &str, score: f32) -> Content {
    let seen = magic.media_type.as_str();
    if family::is_a(seen, says) {
        return content(seen, None);
    }
    if family::is_a(says, seen) {
        return if score >= LIKELY { content(says, Some(score)) } else { content(seen, None) };
    }
    // `infer` takes any text that begins with a tag for a page; a sure model knows markdown and templates better.
    if !magic.firm && score >= SURE && !family::has_magic(says) {
        return content(says, Some(score));
    }
    let settled = !magic.firm
        || score < CERTAIN
        || family::akin(seen, says)
        || family::is_text(seen) && family::is_text(says);
    let conflict = (!settled).then(|| says.to_owned());
    Content { conflict, ..content(seen, None) }
}

fn content(media_type: &str, score: Option<f32>) -> Content {
    Content { media_type: media_type.to_owned(), score, conflict: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn magic(media_type: &str, firm: bool) -> Option<Magic> {
        (!media_type.is_empty()).then(|| Magic { media_type: media_type.to_owned(), firm })
    }

    fn model(media_type: &str, score: f32) -> Option<ModelAnswer> {
        (!media_type.is_empty()).then(|| ModelAnswer {
            label: "test",
            media_type: (media_type != "?").then(|| media_type.to_owned()),
            group: "test",
            is_text: false,
            score,
        })
    }

    #[test]
    fn two_answers_become_one() {
        const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        for (seen, firm, says, score, text, expected, conflict) in [
            ("image/jpeg", true, "image/jpeg", 0.99, false, "image/jpeg", false),
            ("application/zip", true, DOCX, 0.99, false, DOCX, false),
            (DOCX, true, "application/zip", 0.99, false, DOCX, false),
            ("image/jpeg", true, "application/x-php", 0.99, false, "image/jpeg", true),
            ("image/gif", true, "text/x-php", 0.99, false, "image/gif", true),
            ("image/jpeg", true, "application/x-php", 0.6, false, "image/jpeg", false),
            ("application/zip", true, DOCX, 0.6, false, "application/zip", false),
            ("", false, "image/png", 0.99, false, UNKNOWN, false),
            ("", false, "application/x-iso9660-image", 0.66, false, UNKNOWN, false),
            ("image/avif", true, "video/mp4", 0.99, false, "image/avif", false),
            ("text/html", false, "text/markdown", 0.99, true, "text/markdown", false),
            ("text/html", false, "text/markdown", 0.6, true, "text/html", false),
            ("audio/mpeg", false, "", 0.0, true, "text/plain", false),
            ("", false, "text/csv", 0.8, true, "text/csv", false),
            ("", false, "application/zip", 0.8, true, "text/plain", false),
            ("", false, "application/x-pickle", 0.95, true, "application/x-pickle", false),
            ("", false, "?", 1.0, true, "text/plain", false),
            ("", false, "?", 1.0, false, UNKNOWN, false),
            ("image/png", true, "?", 0.2, false, "image/png", false),
        ] {
            let content = reconcile(magic(seen, firm).as_ref(), model(says, score).as_ref(), text);
            assert_eq!(content.media_type, expected, "{seen} and {says}");
            assert_eq!(content.conflict.is_some(), conflict, "{seen} and {says}");
        }
    }
}

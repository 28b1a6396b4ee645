//! What a mark is and how it sits on a picture, as written in a configuration or a request.

use crate::MarkError;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A mark and the way it is put on pictures.
///
/// ```json
/// {"content": {"text": {"text": "© Example", "color": "#ffffff"}}, "style": {"position": "bottom_right"}}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct MarkSpec {
    pub content: Content,
    #[serde(default)]
    pub style: Style,
}

/// What the mark shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Content {
    /// Up to 200 characters in at most 8 lines, in any script.
    #[serde(rename_all = "snake_case")]
    Text {
        text: String,
        /// Font files or folders, most wanted first; empty means [`crate::default_fonts`].
        #[serde(default)]
        fonts: Vec<PathBuf>,
        /// `#rrggbb`; the halo around it is black or white, whichever contrasts.
        #[serde(default = "white")]
        color: String,
    },
    /// A PNG, its transparency kept, taken as sRGB: at most 4 MiB and 4096 pixels an edge.
    #[serde(rename_all = "snake_case")]
    Png { base64: String },
}

/// How the mark sits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", default)]
pub struct Style {
    /// Where a single mark goes; of no effect with `tile`.
    pub position: Position,
    /// Cover the whole picture with marks, every second row shifted by half a step.
    pub tile: bool,
    /// Room between tiled marks, as a share of the mark's width: 0 to 8.
    pub spacing: f32,
    /// Width of the mark as a share of the picture's width: 0.01 to 1. A mark that would be too high is made smaller.
    pub scale: f32,
    /// 0 is invisible, 1 is as drawn.
    pub opacity: f32,
    /// Room between the mark and the edges, as a share of the picture's shorter edge: 0 to 0.4.
    pub margin: f32,
    /// Degrees counter-clockwise, -90 to 90. `scale` then holds for the width of the turned mark.
    pub angle: f32,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            position: Position::BottomRight,
            tile: false,
            spacing: 0.25,
            scale: 0.25,
            opacity: 0.6,
            margin: 0.03,
            angle: 0.0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    TopLeft,
    Top,
    TopRight,
    Left,
    Center,
    Right,
    BottomLeft,
    Bottom,
    #[default]
    BottomRight,
}

const MAX_CHARACTERS: usize = 200;
const MAX_LINES: usize = 8;

impl MarkSpec {
    /// Whether the values make sense; it opens no font and decodes no picture.
    ///
    /// # Errors
    /// [`MarkError::Invalid`] names the field and what was expected.
    pub fn validate(&self) -> Result<(), MarkError> {
        match &self.content {
            Content::Text { text, color, .. } => {
                validate_text(text)?;
                parse_color(color)?;
            }
            Content::Png { base64 } if base64.is_empty() => {
                return Err(MarkError::invalid("content.png.base64", "is empty: give a base64-encoded PNG"));
            }
            Content::Png { .. } => {}
        }
        let Style { spacing, scale, opacity, margin, angle, position: _, tile: _ } = self.style;
        within("style.spacing", spacing, 0.0, 8.0)?;
        within("style.scale", scale, 0.01, 1.0)?;
        within("style.opacity", opacity, 0.0, 1.0)?;
        within("style.margin", margin, 0.0, 0.4)?;
        within("style.angle", angle, -90.0, 90.0)
    }
}

fn validate_text(text: &str) -> Result<(), MarkError> {
    const FIELD: &str = "content.text.text";
    if text.trim().is_empty() {
        return Err(MarkError::invalid(FIELD, "is empty: give at least one visible character"));
    }
    let count = text.chars().count();
    if count > MAX_CHARACTERS {
        return Err(MarkError::invalid(FIELD, format!("has {count} characters: at most {MAX_CHARACTERS}")));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        return Err(MarkError::invalid(FIELD, format!("has {lines} lines: at most {MAX_LINES}")));
    }
    match text.chars().find(|c| c.is_control() && *c != '\n') {
        Some(c) => Err(MarkError::invalid(FIELD, format!("has the control character {c:?}: remove it"))),
        None => Ok(()),
    }
}

/// `#rrggbb` as red, green, blue.
pub(crate) fn parse_color(color: &str) -> Result<[u8; 3], MarkError> {
    color
        .strip_prefix('#')
        .filter(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|hex| u32::from_str_radix(hex, 16).ok())
        .map(|rgb| [(rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8])
        .ok_or_else(|| {
            MarkError::invalid("content.text.color", format!("is {color:?}: write it as \"#rrggbb\""))
        })
}

/// Not a number is outside of every range.
fn within(field: &'static str, value: f32, least: f32, most: f32) -> Result<(), MarkError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(MarkError::invalid(field, format!("is {value}: give a number from {least} to {most}")))
}

fn white() -> String {
    "#ffffff".to_owned()
}

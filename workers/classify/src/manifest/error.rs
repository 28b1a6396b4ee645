use std::path::{Path, PathBuf};

/// What is wrong with a manifest: names the file, the key and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("{}: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("{}, line {line}, key `{key}`: {why}", path.display())]
    Syntax { path: PathBuf, line: usize, key: String, why: String },
    #[error("{}, key `{key}`: expected {expected}, found {found}", path.display())]
    Value { path: PathBuf, key: String, expected: String, found: String },
}

impl ManifestError {
    pub(super) fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let (line, key) = key_at(text, at);
        let why = error.message().trim().replace('\n', ", ");
        Self::Syntax { path: path.to_owned(), line, key, why }
    }

    pub(super) fn value(path: &Path, key: &str, expected: &str, found: impl Into<String>) -> Self {
        Self::Value {
            path: path.to_owned(),
            key: key.to_owned(),
            expected: expected.to_owned(),
            found: found.into(),
        }
    }

    /// The manifest that is wrong, or the folder that has none.
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. } | Self::Syntax { path, .. } | Self::Value { path, .. } => path,
        }
    }
}

/// The line, counted from 1, and the dotted key around byte `at`: the nearest `key =` from there on back, within its
/// `[section]`.
fn key_at(text: &str, at: usize) -> (usize, String) {
    let end = (at..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(text.len());
    let line = text[..end].matches('\n').count() + 1;
    let mut key = None;
    for row in text.lines().take(line).collect::<Vec<_>>().into_iter().rev().map(str::trim) {
        if let Some(section) = row.strip_prefix('[').and_then(|r| r.split(']').next()) {
            return (line, key.map_or(section.to_owned(), |key| format!("{section}.{key}")));
        }
        if key.is_none() && !row.starts_with('#') {
            key = row.split_once('=').map(|(name, _)| name.trim());
        }
    }
    (line, key.unwrap_or("(top)").to_owned())
}

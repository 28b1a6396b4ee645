use super::{Manifest, ManifestError, check::check};
use std::path::{Path, PathBuf};

/// Reads every `models_dir/<name>/model.toml`, in the order of the names. A folder without one is an error, because an
/// operator meant something by it; one whose name begins with `.` or `_` is passed over, and so are plain files.
pub fn load_all(models_dir: &Path) -> Vec<Result<Manifest, ManifestError>> {
    let unreadable = |error: std::io::Error| ManifestError::Unreadable {
        path: models_dir.to_owned(),
        why: format!("the models folder cannot be read: {}", error.to_string().to_lowercase()),
    };
    let entries = match std::fs::read_dir(models_dir).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => return vec![Err(unreadable(error))],
    };
    let mut folders: Vec<PathBuf> = entries
        .into_iter()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with(['.', '_']))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders.into_iter().map(|folder| Manifest::load(&folder)).collect()
}

impl Manifest {
    /// Reads `folder/model.toml`.
    pub fn load(folder: &Path) -> Result<Self, ManifestError> {
        let path = folder.join("model.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| ManifestError::Unreadable {
            path,
            why: format!("a model's folder needs a readable manifest: {}", error.to_string().to_lowercase()),
        })?;
        Self::parse(&text, folder)
    }

    /// The manifest `text`, as if it stood in `folder`, which is not looked into.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, ManifestError> {
        let path = folder.join("model.toml");
        let mut manifest: Self =
            toml::from_str(text).map_err(|error| ManifestError::syntax(&path, text, &error))?;
        manifest.folder = folder.to_owned();
        check(&manifest, &path)?;
        Ok(manifest)
    }
}

//! Which files to scan: those named, and all regular files below named folders, in order.

use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A regular file, or a place that should be one and cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    File(PathBuf),
    Unreadable(PathBuf, String),
}

/// The entries, and what was named but is no regular file.
pub(super) fn walk(paths: &[PathBuf]) -> (Vec<Entry>, Vec<String>) {
    let mut entries = Vec::new();
    let mut troubles = Vec::new();
    for path in paths {
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => entries.push(Entry::File(path.clone())),
            Ok(metadata) if metadata.is_dir() => entries.extend(below(path)),
            Ok(metadata) if metadata.is_symlink() => {
                troubles.push(format!(
                    "{}: is a link, and links are not followed; name the file",
                    path.display()
                ));
            }
            Ok(_) => troubles.push(format!("{}: is neither a file nor a folder", path.display())),
            Err(error) => troubles.push(format!("{}: {error}", path.display())),
        }
    }
    (entries, troubles)
}

fn below(folder: &Path) -> impl Iterator<Item = Entry> {
    WalkDir::new(folder).follow_links(false).sort_by_file_name().into_iter().filter_map(|entry| match entry {
        Ok(entry) if entry.file_type().is_file() => Some(Entry::File(entry.into_path())),
        Ok(_) => None,
        Err(error) => {
            let path = error.path().map(Path::to_owned).unwrap_or_default();
            Some(Entry::Unreadable(path, error.to_string()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn regular_files_in_order_and_no_links() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("b")).unwrap();
        for name in ["c", "b/z", "a"] {
            std::fs::write(at(name), "x").unwrap();
        }
        symlink(at("a"), at("link")).unwrap();
        symlink(folder.path(), at("b/loop")).unwrap();
        let (entries, troubles) = walk(&[folder.path().to_owned(), at("link"), at("none")]);
        assert_eq!(entries, [at("a"), at("b/z"), at("c")].map(Entry::File));
        assert_eq!(troubles.len(), 2);
        assert!(troubles[0].contains("links are not followed") && troubles[1].contains("No such file"));
    }
}

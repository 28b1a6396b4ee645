//! What the documents promise is tested where they say so.

/// Every `path.rs::name` in the table is a test that exists, and no row is without an answer.
#[test]
fn the_tests_that_the_owasp_table_names_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/owasp.md")).unwrap();
    let named: Vec<_> = table.split('`').filter_map(|code| code.split_once(".rs::")).collect();
    assert!(named.len() > 30, "the table names {} tests", named.len());
    let rows = table.lines().filter(|line| line.starts_with('|'));
    let empty: Vec<_> =
        rows.filter(|row| row.trim_matches('|').split('|').any(|cell| cell.trim().is_empty())).collect();
    assert!(empty.is_empty(), "rows that leave something unsaid: {empty:#?}");
    for (path, name) in named {
        let source = std::fs::read_to_string(root.join(format!("{path}.rs"))).unwrap_or_default();
        assert!(source.contains(&format!("fn {name}(")), "{path}.rs has no {name}");
    }
}

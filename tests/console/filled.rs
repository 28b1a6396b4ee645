//! A store with more in it than anybody sends in a test: rows as the service writes them, beside what it wrote.

use crate::world::World;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

impl World {
    /// Runs statements on the store.
    pub async fn stored(&self, sql: &str) {
        let file = format!("sqlite:{}", self.site.data("lazaret.db").display());
        let mut store = SqliteConnection::connect(&file).await.unwrap();
        sqlx::raw_sql("PRAGMA busy_timeout = 20000").execute(&mut store).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut store).await.unwrap();
        store.close().await.unwrap();
    }

    /// So many items in review, all as severe and of one moment; every third is taken for `m.porn`.
    pub async fn filled(&self, items: u32) {
        let id = "printf('01a00000-%04x-7000-8000-%012x', n / 65536, n)";
        let numbers =
            format!("WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {items})");
        self.stored(&format!(
            "INSERT INTO uploads (id, tenant, state, version, filename, declared, size, sha256, accepted_at, settled_at) \
             {numbers} SELECT {id}, 'acme', 'in_review', 3, 'photo ' || n || '.jpg', 'image/jpeg', 9, 'sum ' || n, 1, 1 \
             FROM s; \
             INSERT INTO verdicts (upload, number, detail, at) SELECT f.id, 1, \
             (SELECT detail FROM verdicts ORDER BY at LIMIT 1), 1 FROM uploads f WHERE sha256 LIKE 'sum %'; \
             INSERT INTO reviews (upload, tenant, status, severity, reason, reasons, media_type, queued_at, labels) {numbers} \
             SELECT {id}, 'acme', 'open', 40, 'rule.look', 'rule.look', 'image/jpeg', 1, \
             CASE n % 3 WHEN 0 THEN char(10) || 'm.porn' || char(10) ELSE '' END FROM s"
        ))
        .await;
    }
}

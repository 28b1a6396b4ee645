//! The role that the service works as. It owns nothing, so row-level security and the missing rights hold it, whoever
//! logs in.

use super::error::of_state;
use crate::ports::{Kind, PortError, Result};
use sqlx::PgConnection;

pub(super) const APP: &str = "lazaret_app";

/// Somebody else makes it at the same moment, in another database of the server: unique_violation, duplicate_object.
const MADE_MEANWHILE: [&str; 2] = ["23505", "42710"];

#[derive(sqlx::FromRow)]
struct Standing {
    login: String,
    there: bool,
    unbound: bool,
    member: bool,
}

async fn standing(connection: &mut PgConnection) -> Result<Standing> {
    Ok(sqlx::query_as(
        "SELECT session_user::text AS login, r.oid IS NOT NULL AS there, \
         coalesce(r.rolsuper OR r.rolbypassrls, false) AS unbound, \
         coalesce(pg_has_role(session_user, r.oid, 'MEMBER'), false) AS member \
         FROM (SELECT 1) one LEFT JOIN pg_roles r ON r.rolname = $1",
    )
    .bind(APP)
    .fetch_one(connection)
    .await?)
}

/// Makes the role and joins it, where that is missing and allowed.
pub(super) async fn make(connection: &mut PgConnection) -> Result<()> {
    if !standing(connection).await?.there
        && let Err(error) = sqlx::raw_sql("CREATE ROLE lazaret_app NOLOGIN").execute(&mut *connection).await
        && !error.as_database_error().and_then(|e| e.code()).is_some_and(|c| MADE_MEANWHILE.contains(&&*c))
    {
        let login = standing(connection).await?.login;
        return Err(ask_for(&login, "CREATE ROLE lazaret_app NOLOGIN; ", error));
    }
    if !standing(connection).await?.member
        && let Err(error) = sqlx::raw_sql("GRANT lazaret_app TO CURRENT_USER").execute(&mut *connection).await
    {
        let login = standing(connection).await?.login;
        return Err(ask_for(&login, "", error));
    }
    Ok(())
}

/// Refuses where the service could not work as the role, or where the role would see every row.
pub(super) async fn check(connection: &mut PgConnection) -> Result<()> {
    let Standing { login, there, unbound, member } = standing(connection).await?;
    if !there {
        return Err(PortError::new(Kind::Fail, "the store has no schema yet: run `lazaret migrate`"));
    }
    if unbound {
        let why = format!(
            "the role {APP} is above row-level security: an administrator must run \
             `ALTER ROLE {APP} NOSUPERUSER NOBYPASSRLS`"
        );
        return Err(PortError::new(Kind::Fail, why));
    }
    if !member {
        let why = format!("store.url's user may not work as {APP}: {}", remedy(&login, ""));
        return Err(PortError::new(Kind::Fail, why));
    }
    Ok(())
}

fn ask_for(login: &str, first: &str, error: sqlx::Error) -> PortError {
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
    if code != "42501" {
        return PortError::new(of_state(&code).0, format!("the role {APP} cannot be made")).because(error);
    }
    let why = format!("store.url's user may not make or join the role {APP}: {}", remedy(login, first));
    PortError::new(Kind::Fail, why)
}

fn remedy(login: &str, first: &str) -> String {
    format!("an administrator must run `{first}GRANT {APP} TO \"{}\"`", login.replace('"', "\"\""))
}

//! An upload's row, and the plain values in and out of SQL.

use super::damaged;
use crate::{
    ports::{
        Kind, PortError, Result,
        store::{Lease, Upload},
    },
    upload::{policy::DEFAULT_VERSION, rendition::Rendition},
};
use jiff::Timestamp;
use std::{fmt::Display, str::FromStr};

#[derive(sqlx::FromRow)]
pub(in crate::adapters) struct UploadRow {
    id: String,
    tenant: String,
    state: String,
    version: i64,
    filename: Option<String>,
    declared: Option<String>,
    size: i64,
    sha256: String,
    accepted_at: i64,
    settled_at: Option<i64>,
    due_at: Option<i64>,
    fence: i64,
    worker: Option<String>,
    attempts: i64,
    waiting_for: Option<String>,
    external_id: Option<String>,
    uploader: Option<String>,
}

/// What taking a lease answers: the upload's columns, and the tenant's policy `policy`, NULL for the default.
#[derive(sqlx::FromRow)]
pub(in crate::adapters) struct LeaseRow {
    #[sqlx(flatten)]
    upload: UploadRow,
    policy: Option<i64>,
}

impl TryFrom<LeaseRow> for Lease {
    type Error = PortError;

    fn try_from(row: LeaseRow) -> Result<Self> {
        let policy = row.policy.map_or(Ok(DEFAULT_VERSION), small)?;
        let Row { upload, fence, due_at, .. } = row.upload.try_into()?;
        let until = due_at.ok_or_else(|| damaged("a lease without an end"))?;
        Ok(Self { upload, fence, until, policy })
    }
}

/// An upload with what only the store needs to know of it.
pub(in crate::adapters) struct Row {
    pub upload: Upload,
    pub fence: u64,
    pub worker: Option<String>,
    pub due_at: Option<Timestamp>,
}

impl TryFrom<UploadRow> for Row {
    type Error = PortError;

    fn try_from(row: UploadRow) -> Result<Self> {
        let upload = Upload {
            id: parse(&row.id)?,
            tenant: parse(&row.tenant)?,
            state: parse(&row.state)?,
            version: unsigned(row.version)?,
            filename: row.filename,
            declared: row.declared,
            size: unsigned(row.size)?,
            sha256: row.sha256,
            external_id: row.external_id,
            uploader: row.uploader,
            accepted_at: time(row.accepted_at)?,
            settled_at: row.settled_at.map(time).transpose()?,
            attempts: small(row.attempts)?,
            waiting_for: row.waiting_for,
        };
        let due_at = row.due_at.map(time).transpose()?;
        Ok(Self { upload, fence: unsigned(row.fence)?, worker: row.worker, due_at })
    }
}

/// Columns `name, key, media_type, sha256, size, width, height` of a rendition.
pub(in crate::adapters) type RenditionColumns =
    (String, String, String, String, i64, Option<i64>, Option<i64>);

pub(in crate::adapters) fn rendition(columns: RenditionColumns) -> Result<Rendition> {
    let (name, key, media_type, sha256, size, width, height) = columns;
    Ok(Rendition {
        name: parse(&name)?,
        key,
        media_type,
        sha256,
        size: unsigned(size)?,
        width: width.map(small).transpose()?,
        height: height.map(small).transpose()?,
    })
}

pub(in crate::adapters) fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T> {
    text.parse().map_err(damaged)
}

pub(in crate::adapters) fn time(millis: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(millis).map_err(damaged)
}

pub(in crate::adapters) fn unsigned(n: i64) -> Result<u64> {
    u64::try_from(n).map_err(|_| damaged(format!("{n} is below zero")))
}

pub(in crate::adapters) fn small(n: i64) -> Result<u32> {
    u32::try_from(n).map_err(|_| damaged(format!("{n} is not a small number")))
}

/// SQL's numbers have a sign.
pub(in crate::adapters) fn signed(n: u64) -> Result<i64> {
    i64::try_from(n).map_err(|_| PortError::new(Kind::Fail, format!("{n} is more than the store can hold")))
}

use crate::manifest::Manifest;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

/// One thread a session, and no spinning: the runtime's defaults (all cores, busy waiting) doubled the CPU time and
/// halved the throughput of several sessions side by side.
pub(super) fn build(model: &[u8]) -> Result<Session, String> {
    let build = || -> ort::Result<Session> {
        Session::builder()?
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?
            .with_optimization_level(GraphOptimizationLevel::Level3)?
            .with_log_level(ort::logging::LogLevel::Error)?
            .commit_from_memory(model)
    };
    build().map_err(|error| super::one_line(&error.to_string()))
}

/// The output to read: the one the manifest names, or the only one.
pub(super) fn output_name(session: &Session, manifest: &Manifest) -> Result<String, String> {
    let path = manifest.model_path();
    let path = path.display();
    if session.inputs().len() != 1 {
        return Err(format!(
            "{path} has {} inputs, but only models with one are supported",
            session.inputs().len()
        ));
    }
    let names: Vec<&str> = session.outputs().iter().map(|output| output.name()).collect();
    match (&manifest.output.name, names.as_slice()) {
        (Some(name), names) if names.contains(&name.as_str()) => Ok(name.clone()),
        (None, [only]) => Ok((*only).to_owned()),
        (Some(name), names) => Err(format!("{path} has no output `{name}`; it has {}", names.join(", "))),
        (None, names) => Err(format!("{path} has the outputs {}; name one in output.name", names.join(", "))),
    }
}

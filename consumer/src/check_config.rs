//! `consumer run --check-config`: whether the settings can be used, found out without asking a server.

use crate::command_line::Run;
use crate::operator;
use crate::settings::BadSetting;
use crate::store::Server;
use admin::in_force::InForce;

/// Checks what reading the command line has not checked yet, and shows the settings in force.
///
/// # Errors
/// When a setting can't be used: a sentence that names it; or when standard output is closed.
pub fn check(settings: &Run, in_force: &InForce) -> anyhow::Result<()> {
    Server::new(&settings.member.database)?;
    if let Some(wrong) = settings.member.source.unusable() {
        return Err(BadSetting(wrong).into());
    }
    operator::answer(in_force)?;
    operator::answer("the settings can be used; no server was asked")?;
    Ok(())
}

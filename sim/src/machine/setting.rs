//! `--set path=value`: one key of a machine, replaced for this run.

use super::error::ConfigError;

/// A setting from the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Dotted path, `memory.` first for keys of the memory part.
    pub path: String,
    /// Value as TOML understands it; a bare word is a string.
    pub value: toml::Value,
    /// The value as typed.
    typed: String,
}

impl Setting {
    /// Reads `path=value`.
    pub fn parse(text: &str) -> Result<Setting, ConfigError> {
        let fail = |rule: &str| Err(ConfigError::whole(&format!("--set {text}"), rule));
        let Some((path, value)) = text.split_once('=') else {
            return fail("needs the form path=value, as in npu.arrays=16");
        };
        let (path, value) = (path.trim(), value.trim());
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return fail("the path before '=' needs a name between its dots");
        }
        if value.is_empty() {
            return fail("there is no value after '='");
        }
        let typed = value.to_owned();
        let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| toml::Value::String(typed.clone()));
        Ok(Setting {
            path: path.to_owned(),
            value,
            typed,
        })
    }

    /// The option as typed, for messages.
    pub fn option(&self) -> String {
        format!("--set {}={}", self.path, self.typed)
    }

    /// The setting as one of the memory part alone.
    pub(super) fn within_part(&self) -> Setting {
        let path = self.path.strip_prefix("memory.").unwrap_or(&self.path);
        Setting {
            path: path.to_owned(),
            ..self.clone()
        }
    }

    pub(super) fn error(&self, rule: &str) -> ConfigError {
        ConfigError::whole(&self.option(), rule)
    }
}

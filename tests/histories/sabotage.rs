//! Defects that the comparison must notice: each changes the messages of a run as a wrong tap would write them.

use serde_json::{Value, json};

use super::table::DELETED_AT;

/// A defect of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A column that is null in every record is left out, as if it were forgotten.
    LeaveOutNulls,
    /// The first two columns of the report swap their values.
    SwapColumns,
    /// Numbers are rounded.
    RoundNumbers,
    /// Cells in variants are dropped.
    DropVariants,
    /// The types of later runs are those of a program that infers them anew.
    Retype,
    /// Rows of older versions stay.
    KeepRows,
    /// Rows that are gone are not sent as deleted.
    KeepDeleted,
    /// Changes have a new version.
    NewVersion,
    /// The last row of a run with changes is left out.
    LoseChange,
}

impl Sabotage {
    pub const ALL: [Self; 9] = [
        Self::LeaveOutNulls,
        Self::SwapColumns,
        Self::RoundNumbers,
        Self::DropVariants,
        Self::Retype,
        Self::KeepRows,
        Self::KeepDeleted,
        Self::NewVersion,
        Self::LoseChange,
    ];

    /// Changes the messages of a run that had the STATE `before`.
    pub fn apply(self, messages: &mut Vec<Value>, before: &Value) {
        let is_first = before["bookmarks"].is_null();
        match self {
            Self::LeaveOutNulls | Self::Retype | Self::NewVersion if is_first => {}
            Self::LeaveOutNulls => leave_out_nulls(messages),
            Self::SwapColumns => for_each_record(messages, |record| {
                let names: Vec<String> = record.keys().take(2).cloned().collect();
                if let [first, second] = &names[..] {
                    let value = record[first].take();
                    record[first] = record[second].take();
                    record[second] = value;
                }
            }),
            Self::RoundNumbers => for_each_record(messages, |record| {
                for value in record.values_mut() {
                    if let Some(number) = value.as_f64().filter(|_| value.is_f64()) {
                        *value = json!(number.round());
                    }
                }
            }),
            Self::DropVariants => for_each_record(messages, |record| {
                for (_, value) in record.iter_mut().filter(|(name, _)| name.contains("__text")) {
                    *value = Value::Null;
                }
            }),
            Self::Retype => {
                for property in properties(messages).into_iter().flat_map(serde_json::Map::values_mut) {
                    if property["type"][1] == "number" {
                        property["type"] = json!(["null", "string"]);
                    }
                }
            }
            Self::KeepDeleted => messages.retain(|message| message["record"][DELETED_AT].is_null()),
            Self::NewVersion => {
                for version in messages.iter_mut().filter_map(|message| message.get_mut("version")) {
                    *version = version.as_i64().map(|version| version + 1).into();
                }
            }
            Self::LoseChange if messages[0]["schema"]["properties"].get(DELETED_AT).is_none() => {}
            Self::LoseChange => {
                if let Some(last) = messages.iter().rposition(|message| message["type"] == "RECORD") {
                    messages.remove(last);
                }
            }
            Self::KeepRows => messages.retain(|message| message["type"] != "ACTIVATE_VERSION"),
        }
    }
}

fn properties(messages: &mut [Value]) -> Option<&mut serde_json::Map<String, Value>> {
    messages[0]["schema"]["properties"].as_object_mut()
}

fn for_each_record(messages: &mut [Value], mut change: impl FnMut(&mut serde_json::Map<String, Value>)) {
    messages.iter_mut().filter_map(|message| message["record"].as_object_mut()).for_each(&mut change);
}

fn leave_out_nulls(messages: &mut [Value]) {
    let has_value = |name: &String, messages: &[Value]| {
        messages.iter().any(|message| message["record"].get(name).is_some_and(|value| !value.is_null()))
    };
    let names: Vec<String> = properties(messages).into_iter().flat_map(|all| all.keys().cloned()).collect();
    for name in names.iter().filter(|name| !has_value(name, messages)).cloned().collect::<Vec<_>>() {
        for_each_record(messages, |record| drop(record.shift_remove(&name)));
        if let Some(properties) = properties(messages) {
            properties.shift_remove(&name);
        }
    }
}

//! Which time is meant.

use super::compile::Compiler;
use crate::model::{FieldRef, TargetId};
use air_ir::{Code, IrError, Pointer};

impl Compiler<'_, '_> {
    /// The time of an entity's rows: the one a metric names, the IR's where the entity reaches
    /// it, the entity's declared time column, or its only one.
    pub(super) fn time_of(
        &mut self,
        entity: TargetId,
        named: Option<(&str, &Pointer)>,
        at: &Pointer,
    ) -> Result<FieldRef, IrError> {
        if let Some((name, at)) = named {
            let field = self.model.field(name, at)?;
            self.need_temporal(&field, at)?;
            return Ok(field);
        }
        if let Some(name) = self.ir.time.field.clone() {
            let time_at = self.at.key("time").key("field");
            let field = self.model.field(&name, &time_at)?;
            self.need_temporal(&field, &time_at)?;
            if self.model.reaches(entity, field.target) {
                return Ok(field);
            }
        }
        let target = &self.model.targets[entity];
        let table = self.model.table(target.table);
        if let Some(column) = &table.time_column {
            return Ok(FieldRef { target: entity, column: column.clone() });
        }
        let temporal: Vec<&str> = table
            .columns
            .iter()
            .filter(|c| c.data_type.is_temporal())
            .map(|c| c.name.as_str())
            .collect();
        match temporal[..] {
            [one] => Ok(FieldRef { target: entity, column: one.to_owned() }),
            [] => {
                let detail =
                    format!("\"{}\" has no time column; name one with \"time\".", target.name);
                Err(IrError::new(Code::NoTime, at, detail))
            }
            _ => {
                let detail = format!(
                    "\"{}\" has several times ({}); say which with \"time\".",
                    target.name,
                    temporal.join(", ")
                );
                Err(IrError::new(Code::AmbiguousTime, at, detail))
            }
        }
    }

    fn need_temporal(&self, field: &FieldRef, at: &Pointer) -> Result<(), IrError> {
        match self.model.column(field) {
            Some(column) if !column.data_type.is_temporal() => {
                let detail =
                    format!("\"{}\" is {}, no date or timestamp.", column.name, column.data_type);
                Err(IrError::new(Code::TypeMismatch, at, detail))
            }
            _ => Ok(()),
        }
    }
}

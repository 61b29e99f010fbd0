//! What `air.Engine` calls: text in, text and rows out.

use std::path::PathBuf;
use std::sync::Arc;

use air_connectors::StoreAddress;
use pyo3::prelude::*;
use secrecy::SecretString;

use crate::asking::{Asked, understood};
use crate::fault::Fault;
use crate::inner::{Inner, kind_name};
use crate::learning::{self, Wanted};
use crate::planning::{Order, planned, source_sql};
use crate::raising::raised;
use crate::rows::Rows;
use crate::running;
use crate::settings::{Settings, moment};
use crate::waiting::wait;

/// The engine behind `air.Engine`. IRs, catalogs, parameters and settings are JSON text.
#[pyclass(frozen, module = "air._air")]
pub(crate) struct Engine {
    inner: Arc<Inner>,
}

#[pymethods]
impl Engine {
    #[new]
    fn new(py: Python<'_>, settings: &str) -> PyResult<Self> {
        let inner = Settings::read(settings).and_then(Inner::new);
        Ok(Self { inner: Arc::new(inner.map_err(|fault| raised(py, fault))?) })
    }

    fn register_files(
        &self,
        py: Python<'_>,
        id: &str,
        path: PathBuf,
        store: Option<&str>,
    ) -> PyResult<()> {
        let address = path.to_str().filter(|text| StoreAddress::is_one(text));
        let added = match address {
            Some(address) => self.inner.add_store(id, address, store),
            None if store.is_some() => {
                let what = "a folder of this machine has no store; leave it out";
                Err(Fault::setting("store", what))
            }
            None => self.inner.add_files(id, &path),
        };
        added.map_err(|fault| raised(py, fault))
    }

    fn register_source(
        &self,
        py: Python<'_>,
        id: &str,
        kind: &str,
        dsn: String,
        allow_superuser: bool,
    ) -> PyResult<()> {
        let dsn = SecretString::from(dsn);
        let added = self.inner.add_database(id, kind, &dsn, allow_superuser);
        added.map_err(|fault| raised(py, fault))
    }

    /// Ids and kinds of what was registered.
    fn sources(&self) -> Vec<(String, String)> {
        let sources = self.inner.sources().into_iter();
        sources.map(|(id, kind)| (id, kind_name(kind))).collect()
    }

    fn learn(&self, py: Python<'_>, id: String, wanted: &str) -> PyResult<String> {
        let wanted = Wanted::read(wanted).map_err(|fault| raised(py, fault))?;
        let found = wait(py, &self.inner, learning::learn(Arc::clone(&self.inner), id, wanted))?;
        Ok(found.to_string())
    }

    fn load(&self, py: Python<'_>, id: &str, catalog: &str) -> PyResult<()> {
        learning::load(&self.inner, id, catalog).map_err(|fault| raised(py, fault))
    }

    fn catalog(&self, py: Python<'_>, id: &str) -> PyResult<String> {
        let text = self.inner.learned(id).and_then(|(_, learned)| {
            serde_json::to_string(learned.catalog().as_ref()).map_err(Fault::internal)
        });
        text.map_err(|fault| raised(py, fault))
    }

    fn interpret(
        &self,
        py: Python<'_>,
        question: &str,
        id: &str,
        answers: &str,
        previous: Option<&str>,
        now: Option<&str>,
    ) -> PyResult<String> {
        let asked = moment(now).and_then(|now| Asked::read((question, id), answers, previous, now));
        let asked = asked.map_err(|fault| raised(py, fault))?;
        let inner = Arc::clone(&self.inner);
        let draft = wait(py, &self.inner, async move { understood(&inner, &asked) })?;
        Ok(draft.to_string())
    }

    fn sql(
        &self,
        py: Python<'_>,
        ir: &str,
        id: &str,
        params: &str,
        now: Option<&str>,
    ) -> PyResult<String> {
        let order = order(py, ir, id, params, now)?;
        let inner = Arc::clone(&self.inner);
        let sql = wait(py, &self.inner, async move {
            let (_, execution) = planned(&inner, &order)?;
            source_sql(&order.id, &execution, inner.settings.options())
        })?;
        Ok(serde_json::Value::Array(sql).to_string())
    }

    fn run(
        &self,
        py: Python<'_>,
        ir: &str,
        id: &str,
        params: &str,
        now: Option<&str>,
    ) -> PyResult<(Rows, String)> {
        let order = order(py, ir, id, params, now)?;
        let ran = wait(py, &self.inner, running::run(Arc::clone(&self.inner), order))?;
        Ok((Rows::new(ran.rows), ran.about.to_string()))
    }
}

fn order(py: Python<'_>, ir: &str, id: &str, params: &str, now: Option<&str>) -> PyResult<Order> {
    let order = moment(now).and_then(|now| Order::read(ir, id, params, now));
    order.map_err(|fault| raised(py, fault))
}

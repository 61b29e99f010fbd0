//! The form of a plan on the wire.
//!
//! In: the plan of a stage. Out: bytes, and from them the same plan on a worker. Most nodes have a
//! form of DataFusion's; here are AIR's own: functions with the options in their types, scans of
//! text, and the node over rows in no order.
//!
//! The library asks its own codec first, which takes every function for one that is known by its
//! name, and none of the functions over groups. So a plan goes as one node without children,
//! [`Whole`], which the library's codec does not know and hands to [`Codec`]; what is within goes
//! by [`Inner`].

use air_connectors::files::wire as files;
use air_engine::wire;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, SessionStateDefaults, TaskContext};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use datafusion_distributed::DistributedCodec;
use datafusion_proto::bytes::{
    physical_plan_from_bytes_with_proto_converter, physical_plan_to_bytes_with_proto_converter,
};
use datafusion_proto::physical_plan::from_proto::{
    parse_protobuf_file_scan_config, parse_table_schema_from_proto,
};
use datafusion_proto::physical_plan::to_proto::serialize_file_scan_config;
use datafusion_proto::physical_plan::{
    DeduplicatingProtoConverter, PhysicalExtensionCodec, PhysicalPlanDecodeContext,
    PhysicalProtoConverterExtension,
};
use datafusion_proto::protobuf::FileScanExecConf;
use prost::Message;
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

const WHOLE: u8 = b'W';
const UNORDERED: u8 = b'O';
const TEXT: u8 = b'T';
/// A node of the library's.
const DISTRIBUTED: u8 = b'D';
const OWN: u8 = b'A';
const CLOCK: u8 = b'C';

/// What the library is given.
#[derive(Debug)]
pub(crate) struct Codec;

impl PhysicalExtensionCodec for Codec {
    fn try_decode(
        &self,
        buf: &[u8],
        _: &[Arc<dyn ExecutionPlan>],
        ctx: &TaskContext,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match buf.split_first() {
            Some((&WHOLE, plan)) => decoded(plan, ctx),
            _ => Err(unknown("a plan")),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buf: &mut Vec<u8>,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(Whole(plan)) = node.downcast_ref::<Whole>() else {
            return Err(unknown(node.name()));
        };
        buf.push(WHOLE);
        buf.extend(encoded(Arc::clone(plan))?);
        Ok(())
    }
}

/// A plan's bytes.
///
/// # Errors
/// Where something in it has no form on the wire.
pub(crate) fn encoded(plan: Arc<dyn ExecutionPlan>) -> Result<Vec<u8>> {
    let converter = DeduplicatingProtoConverter::default();
    Ok(physical_plan_to_bytes_with_proto_converter(plan, &Inner, &converter)?.to_vec())
}

/// The plan of these bytes.
///
/// # Errors
/// Where they are of another version of the program.
pub(crate) fn decoded(plan: &[u8], ctx: &TaskContext) -> Result<Arc<dyn ExecutionPlan>> {
    let converter = DeduplicatingProtoConverter::default();
    physical_plan_from_bytes_with_proto_converter(plan, ctx, &Inner, &converter)
}

/// A plan that the library's codec sees nothing of.
pub(crate) fn whole(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    Arc::new(Whole(plan))
}

#[derive(Debug)]
struct Whole(Arc<dyn ExecutionPlan>);

impl DisplayAs for Whole {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Whole")
    }
}

impl ExecutionPlan for Whole {
    fn name(&self) -> &'static str {
        "Whole"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        ctx: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.0.execute(partition, ctx)
    }
}

/// For what is within a [`Whole`].
#[derive(Debug)]
struct Inner;

impl Inner {
    /// A scan of text; `false` of any other node.
    fn text(
        &self,
        node: &dyn ExecutionPlan,
        buf: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<bool> {
        let Some(scan) = node.downcast_ref::<DataSourceExec>() else { return Ok(false) };
        let Some(scan) = scan.data_source().downcast_ref::<FileScanConfig>() else {
            return Ok(false);
        };
        let Some(form) = files::text(scan.file_source().as_ref()) else { return Ok(false) };
        let length = u32::try_from(form.len()).map_err(|_| unknown("so wide a table"))?;
        buf.push(TEXT);
        buf.extend(length.to_le_bytes());
        buf.extend(form);
        buf.extend(serialize_file_scan_config(scan, self, converter)?.encode_to_vec());
        Ok(true)
    }

    fn read_text(
        &self,
        buf: &[u8],
        ctx: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (length, rest) = buf.split_first_chunk().ok_or_else(|| unknown("a scan"))?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (form, conf) = rest.split_at_checked(length).ok_or_else(|| unknown("a scan"))?;
        let conf = FileScanExecConf::decode(conf).map_err(|_| unknown("a scan"))?;
        let source = files::read_text(form, parse_table_schema_from_proto(&conf)?)?;
        let decoding = PhysicalPlanDecodeContext::new(ctx, self);
        let scan = parse_protobuf_file_scan_config(&conf, &decoding, converter, source)?;
        Ok(DataSourceExec::from_data_source(scan))
    }
}

impl PhysicalExtensionCodec for Inner {
    fn try_decode(
        &self,
        buf: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        ctx: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (buf.split_first(), inputs) {
            (Some((&UNORDERED, _)), [input]) => Ok(wire::unordered(Arc::clone(input))),
            (Some((&TEXT, rest)), _) => self.read_text(rest, ctx, converter),
            (Some((&DISTRIBUTED, rest)), _) => {
                DistributedCodec.try_decode(rest, inputs, ctx, converter)
            }
            _ => Err(unknown("a node")),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buf: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        if wire::is_unordered(node.as_ref()) {
            buf.push(UNORDERED);
            return Ok(());
        }
        if self.text(node.as_ref(), buf, converter)? {
            return Ok(());
        }
        buf.push(DISTRIBUTED);
        DistributedCodec.try_encode(node, buf, converter)
    }

    fn try_decode_udf(&self, name: &str, buf: &[u8]) -> Result<Arc<ScalarUDF>> {
        match buf.split_first() {
            Some((&OWN, form)) => Ok(Arc::new(wire::read_scalar(form)?)),
            Some((&CLOCK, zone)) => Ok(Arc::new(files::read_clock(zone)?)),
            _ => Err(unknown(name)),
        }
    }

    fn try_encode_udf(&self, function: &ScalarUDF, buf: &mut Vec<u8>) -> Result<()> {
        let own = wire::scalar(function).map(|form| (OWN, form));
        let own = own.or_else(|| files::clock(function).map(|zone| (CLOCK, zone)));
        put(own, function.name(), &NAMED.scalars, buf)
    }

    fn try_decode_udaf(&self, name: &str, buf: &[u8]) -> Result<Arc<AggregateUDF>> {
        match buf.split_first() {
            Some((&OWN, form)) => wire::read_aggregate(form),
            _ => Err(unknown(name)),
        }
    }

    fn try_encode_udaf(&self, function: &AggregateUDF, buf: &mut Vec<u8>) -> Result<()> {
        let own = wire::aggregate(function).map(|form| (OWN, form));
        put(own, function.name(), &NAMED.aggregates, buf)
    }

    fn try_decode_udwf(&self, name: &str, buf: &[u8]) -> Result<Arc<WindowUDF>> {
        match buf.split_first() {
            Some((&OWN, form)) => Ok(Arc::new(wire::read_window(form)?)),
            _ => Err(unknown(name)),
        }
    }

    fn try_encode_udwf(&self, function: &WindowUDF, buf: &mut Vec<u8>) -> Result<()> {
        let own = wire::window(function).map(|form| (OWN, form));
        put(own, function.name(), &NAMED.windows, buf)
    }
}

/// A function of AIR's with its options; nothing where the worker knows it by its name.
fn put(
    own: Option<(u8, Vec<u8>)>,
    name: &str,
    named: &HashSet<String>,
    buf: &mut Vec<u8>,
) -> Result<()> {
    match own {
        Some((mark, form)) => {
            buf.push(mark);
            buf.extend(form);
            Ok(())
        }
        None if named.contains(name) => Ok(()),
        None => Err(unknown(name)),
    }
}

/// The functions that every session knows by name.
struct Named {
    scalars: HashSet<String>,
    aggregates: HashSet<String>,
    windows: HashSet<String>,
}

static NAMED: LazyLock<Named> = LazyLock::new(|| {
    let scalars = SessionStateDefaults::default_scalar_functions();
    let aggregates = SessionStateDefaults::default_aggregate_functions();
    let windows = SessionStateDefaults::default_window_functions();
    Named {
        scalars: scalars.iter().map(|f| f.name().to_owned()).collect(),
        aggregates: aggregates.iter().map(|f| f.name().to_owned()).collect(),
        windows: windows.iter().map(|f| f.name().to_owned()).collect(),
    }
});

fn unknown(what: &str) -> DataFusionError {
    DataFusionError::NotImplemented(format!("{what} has no form that workers know"))
}

//! How the files of a scan are divided among workers.
//!
//! In: a scan. Out: how many workers it is worth, and the scan of each. The library's own way cuts
//! every file by bytes, also those that may not be cut, and leaves files that were cut before as
//! they are; so this one goes before it.

use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileGroupPartitioner, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion_distributed::{
    DesiredTaskCountEventResponse, DistributedLeafExec, ScaleUpLeafNodeEvent,
    ScaleUpLeafNodeEventResponse,
};
use std::collections::HashMap;
use std::sync::Arc;

/// The scan of files that a node is.
pub(crate) fn files(node: &dyn ExecutionPlan) -> Option<&FileScanConfig> {
    node.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref()
}

/// Bytes that a scan reads at most.
pub(crate) fn bytes(scan: &FileScanConfig) -> u64 {
    let files = scan.file_groups.iter().flat_map(FileGroup::iter);
    files.map(PartitionedFile::effective_size).sum()
}

/// How many workers a scan is worth: each is to read so many bytes in each of its parts.
pub(crate) fn desired(
    node: &Arc<dyn ExecutionPlan>,
    bytes_per_part: u64,
) -> Option<DesiredTaskCountEventResponse> {
    let scan = files(node.as_ref())?;
    let parts = node.output_partitioning().partition_count();
    if parts < 2 {
        // What stands above one part may take it for all rows.
        return Some(DesiredTaskCountEventResponse::maximum(1));
    }
    let worth = bytes(scan).div_ceil(bytes_per_part.max(1)).div_ceil(parts as u64);
    let worth = usize::try_from(worth).unwrap_or(usize::MAX);
    Some(DesiredTaskCountEventResponse::desired(worth.max(1)))
}

/// The scan of each worker, all with as many parts as the scan has.
pub(crate) fn divided(
    event: ScaleUpLeafNodeEvent<'_>,
) -> Option<Result<ScaleUpLeafNodeEventResponse>> {
    let scan = files(event.plan.as_ref())?;
    let parts = event.plan.output_partitioning().partition_count();
    let shares = shares(scan, parts, event.task_count);
    let scans = shares.into_iter().map(|groups| {
        let mut share = scan.clone();
        share.file_groups = groups;
        DataSourceExec::from_data_source(share) as Arc<dyn ExecutionPlan>
    });
    let leaf = DistributedLeafExec::try_new(Arc::clone(event.plan), scans);
    Some(leaf.map(|leaf| ScaleUpLeafNodeEventResponse::new(Arc::new(leaf))))
}

/// The file groups of each of so many workers.
fn shares(scan: &FileScanConfig, parts: usize, workers: usize) -> Vec<Vec<FileGroup>> {
    let wanted = parts * workers;
    let pieces: Vec<PartitionedFile> =
        scan.file_groups.iter().flat_map(FileGroup::iter).cloned().collect();
    let may_cut = scan.file_source().supports_repartitioning();
    let cut = match uncut(&pieces) {
        Some(whole) if may_cut => FileGroupPartitioner::new()
            .with_target_partitions(wanted)
            .with_repartition_file_min_size(0)
            .repartition_file_groups(&[FileGroup::new(whole)]),
        _ => None,
    };
    let mut groups = cut.unwrap_or_else(|| dealt(pieces, wanted));
    groups.resize_with(wanted.max(groups.len()), || FileGroup::new(Vec::new()));
    let mut shares = vec![Vec::with_capacity(parts); workers];
    for (i, group) in groups.into_iter().enumerate() {
        shares[i % workers].push(group);
    }
    // More groups than were wished for are none that anybody makes; no share may be the longer.
    let longest = shares.iter().map(Vec::len).max().unwrap_or(0);
    for share in &mut shares {
        share.resize_with(longest, || FileGroup::new(Vec::new()));
    }
    shares
}

/// The files whose pieces these are, where all pieces of each are there.
fn uncut(pieces: &[PartitionedFile]) -> Option<Vec<PartitionedFile>> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut files: Vec<(PartitionedFile, u64)> = Vec::new();
    for piece in pieces {
        let path = piece.object_meta.location.as_ref();
        let at = *known.entry(path).or_insert_with(|| {
            let mut whole = piece.clone();
            whole.range = None;
            files.push((whole, 0));
            files.len() - 1
        });
        files[at].1 += piece.effective_size();
    }
    let is_whole = |(file, read): &(PartitionedFile, u64)| file.object_meta.size == *read;
    files.iter().all(is_whole).then(|| files.into_iter().map(|(file, _)| file).collect())
}

/// Pieces dealt out as they are, the largest first and each to who has least.
fn dealt(mut pieces: Vec<PartitionedFile>, groups: usize) -> Vec<FileGroup> {
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.effective_size()));
    let mut hands: Vec<(u64, Vec<PartitionedFile>)> = vec![(0, Vec::new()); groups.max(1)];
    for piece in pieces {
        if let Some(hand) = hands.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            hand.0 += piece.effective_size();
            hand.1.push(piece);
        }
    }
    hands.into_iter().map(|(_, files)| FileGroup::new(files)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(path: &str, size: u64, range: Option<(i64, i64)>) -> PartitionedFile {
        let file = PartitionedFile::new(path, size);
        match range {
            Some((from, to)) => file.with_range(from, to),
            None => file,
        }
    }

    #[test]
    fn pieces_of_a_file_are_the_file_where_none_is_missing() {
        let pieces =
            [piece("a", 10, Some((0, 6))), piece("b", 3, None), piece("a", 10, Some((6, 10)))];
        let whole = uncut(&pieces).unwrap();
        let shown: Vec<_> =
            whole.iter().map(|f| (f.object_meta.location.as_ref(), f.effective_size())).collect();
        assert_eq!(shown, [("a", 10), ("b", 3)]);
        assert!(uncut(&pieces[..2]).is_none(), "the rest of a is read by nobody");
    }

    #[test]
    fn what_may_not_be_cut_is_dealt_whole() {
        let groups = dealt(vec![piece("a", 1, None), piece("b", 9, None), piece("c", 7, None)], 4);
        let mut sizes: Vec<Vec<u64>> = groups
            .iter()
            .map(|g| g.iter().map(PartitionedFile::effective_size).collect())
            .collect();
        sizes.sort();
        assert_eq!(sizes, [vec![], vec![1], vec![7], vec![9]]);
    }
}

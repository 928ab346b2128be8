// Clusters of points by the cells of a grid: vision_service/pointcloud/clusters.py says what they are.
//
// Only occupied cells are kept, as runs along x. Runs of two rows that are within reach are united (disjoint sets with
// path halving, the lowest run is the root); which they are is found by going through both rows side by side, as the
// runs are sorted. So the time grows with the points, but for sorting the clusters by size.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "sorting.h"
#include "spans.h"

namespace vision_service {
namespace {

constexpr Index kBlock = 512;  // points whose cells are computed at once

// A place in the list of points at which the cell changes.
struct Change {
  std::uint64_t key;     // of the cell
  std::uint32_t number;  // of the change
};

struct Grid {
  double low[3];
  double last[3];  // places, from 0 on
  double size;     // of a cell
  std::uint64_t row, layer;  // by how much a cell's key grows
};

// Computes the places of up to kBlock points along an axis; in double precision, as a place may need more digits than
// a coordinate has.
FOR_WIDE_PROCESSORS
void places(const float* xyz, Index count, int axis, const Grid& grid, std::int32_t* found) {
  const double low = grid.low[axis], last = grid.last[axis], size = grid.size;
  for (Index point = 0; point < count; ++point) {
    double place = (static_cast<double>(xyz[3 * point + axis]) - low) / size;
    place = place > 0 ? place : 0;  // NaN as well
    found[point] = static_cast<std::int32_t>(place < last ? place : last);
  }
}

// Finds where the cell changes; returns the first point of each change as well.
std::vector<Change> changes_of(Span<const float> xyz, const Grid& grid, std::vector<std::uint32_t>& firsts) {
  std::vector<Change> changes;
  std::int32_t across[3][kBlock];
  std::uint64_t previous = std::numeric_limits<std::uint64_t>::max();
  const Index points = xyz.length / 3;
  for (Index start = 0; start < points; start += kBlock) {
    const Index count = std::min(kBlock, points - start);
    for (int axis = 0; axis < 3; ++axis) places(xyz.data + 3 * start, count, axis, grid, across[axis]);
    for (Index point = 0; point < count; ++point) {
      const std::uint64_t key = static_cast<std::uint64_t>(across[0][point]) +
                                static_cast<std::uint64_t>(across[1][point]) * grid.row +
                                static_cast<std::uint64_t>(across[2][point]) * grid.layer;
      if (key == previous) continue;
      previous = key;
      changes.push_back({key, static_cast<std::uint32_t>(firsts.size())});
      firsts.push_back(static_cast<std::uint32_t>(start + point));
    }
  }
  return changes;
}

// Sets of runs.
class Sets {
 public:
  explicit Sets(std::size_t count) : parents_(count) { std::iota(parents_.begin(), parents_.end(), 0u); }

  std::uint32_t root(std::uint32_t run) {
    while (parents_[run] != run) run = parents_[run] = parents_[parents_[run]];
    return run;
  }

  void unite(std::uint32_t one, std::uint32_t other) {
    one = root(one), other = root(other);
    if (one != other) parents_[std::max(one, other)] = std::min(one, other);
  }

 private:
  std::vector<std::uint32_t> parents_;
};

struct Runs {
  std::vector<Index> starts, ends;       // the keys of the first and the last cell
  std::vector<std::uint32_t> of_change;  // the run of each change
  Index cells = 0;
};

Runs runs_of(const std::vector<Change>& sorted) {
  Runs runs;
  runs.of_change.resize(sorted.size());
  for (const Change& change : sorted) {
    const Index key = static_cast<Index>(change.key);
    if (runs.starts.empty() || key != runs.ends.back()) {
      ++runs.cells;
      if (runs.starts.empty() || key != runs.ends.back() + 1) {
        runs.starts.push_back(key);
        runs.ends.push_back(key);
      } else {
        runs.ends.back() = key;
      }
    }
    runs.of_change[change.number] = static_cast<std::uint32_t>(runs.starts.size() - 1);
  }
  return runs;
}

// Unites the runs of each row with those of a later one, whose keys are `step` greater, up to so far across.
void unite_rows(const Runs& runs, Index step, Index across, Sets& sets) {
  const std::size_t count = runs.starts.size();
  std::size_t first = 0;
  for (std::size_t run = 0; run < count; ++run) {
    const Index low = runs.starts[run] + step - across, high = runs.ends[run] + step + across;
    while (first < count && runs.ends[first] < low) ++first;
    if (first == count) return;
    for (std::size_t other = first; other < count && runs.starts[other] <= high; ++other)
      sets.unite(static_cast<std::uint32_t>(run), static_cast<std::uint32_t>(other));
  }
}

// Unites the runs whose cells' centres are at most `reach` cells apart.
Sets united(const Runs& runs, const Grid& grid, double reach) {
  Sets sets(runs.starts.size());
  const int last = static_cast<int>(reach);
  for (std::size_t run = 0; run + 1 < runs.starts.size(); ++run)
    if (runs.starts[run + 1] - runs.ends[run] <= last)
      sets.unite(static_cast<std::uint32_t>(run), static_cast<std::uint32_t>(run + 1));
  for (int up = 0; up <= last; ++up)
    for (int along = up ? -last : 1; along <= last; ++along) {
      const double rest = reach * reach - up * up - along * along;
      if (rest < 0) continue;
      const Index step = up * static_cast<Index>(grid.layer) + along * static_cast<Index>(grid.row);
      unite_rows(runs, step, static_cast<Index>(std::sqrt(rest)), sets);
    }
  return sets;
}

// Returns the rank of each run's cluster by the number of points, of equal ones the one with the lowest cell first.
std::vector<std::uint32_t> ranks_of(const Runs& runs, Sets& sets, const std::vector<std::uint32_t>& firsts,
                                    Index points) {
  const std::size_t count = runs.starts.size();
  std::vector<std::uint32_t> cluster(count), roots;
  for (std::uint32_t run = 0; run < count; ++run) {
    const std::uint32_t root = sets.root(run);
    if (root == run) {
      cluster[run] = static_cast<std::uint32_t>(roots.size());
      roots.push_back(run);
    } else {
      cluster[run] = cluster[root];
    }
  }
  std::vector<Index> sizes(roots.size());
  for (std::size_t change = 0; change < firsts.size(); ++change) {
    const Index end = change + 1 < firsts.size() ? firsts[change + 1] : points;
    sizes[cluster[runs.of_change[change]]] += end - firsts[change];
  }
  std::vector<std::uint32_t> order(roots.size()), rank(roots.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t one, std::uint32_t other) { return sizes[one] > sizes[other]; });
  for (std::uint32_t place = 0; place < order.size(); ++place) rank[order[place]] = place;
  for (std::uint32_t& own : cluster) own = rank[own];
  return cluster;
}

Index cluster(Span<const float> xyz, Span<const double> bounds, double size, Index margin, double reach,
              Index max_cells, Span<std::int32_t> labels) {
  const Index points = labels.length;
  require(xyz.length == 3 * points && bounds.length == 6 && points < (Index{1} << 31));
  require(size > 0 && margin >= 1 && margin <= 64 && reach >= 1 && reach < margin + 1.0);
  Grid grid{};
  grid.size = size;
  for (int axis = 0; axis < 3; ++axis) {
    grid.low[axis] = bounds[axis];
    grid.last[axis] = std::floor((bounds[3 + axis] - bounds[axis]) / size);
    require(grid.last[axis] >= 0 && grid.last[axis] <= (1 << 20));
  }
  // Each row and layer ends with a margin of cells that stay empty, so that the two ends of the grid do not meet.
  grid.row = static_cast<std::uint64_t>(grid.last[0]) + 1 + margin;
  grid.layer = grid.row * (static_cast<std::uint64_t>(grid.last[1]) + 1 + margin);
  std::vector<std::uint32_t> firsts;
  std::vector<Change> changes = changes_of(xyz, grid, firsts);
  sort_by_key(changes, [](const Change& change) { return change.key; });
  const Runs runs = runs_of(changes);
  if (max_cells >= 0 && runs.cells > max_cells) return runs.cells;
  changes = {};
  Sets sets = united(runs, grid, reach);
  const std::vector<std::uint32_t> rank = ranks_of(runs, sets, firsts, points);
  for (std::size_t change = 0; change < firsts.size(); ++change) {
    const Index end = change + 1 < firsts.size() ? firsts[change + 1] : points;
    std::fill(labels.data + firsts[change], labels.data + end,
              static_cast<std::int32_t>(rank[runs.of_change[change]]));
  }
  return runs.cells;
}

}  // namespace

// Writes the cluster of each of (N, 3) points, the largest first, and returns how many cells are occupied; if those are
// more than `max_cells` (-1 = any number), nothing is written.
//
// `bounds` are the least and the greatest coordinates, at most 2^20 cells apart; `size` is a cell's edge, `reach` up to
// how many cells neighbours are apart, less than `margin` + 1.
VISION_SERVICE_EXPORT Index cluster(const float* xyz, Index xyz_length, const double* bounds, Index bounds_length,
                                    double size, Index margin, double reach, Index max_cells, std::int32_t* labels,
                                    Index labels_length) {
  return guarded([&] {
    return cluster({xyz, xyz_length}, {bounds, bounds_length}, size, margin, reach, max_cells,
                   {labels, labels_length});
  });
}

}  // namespace vision_service

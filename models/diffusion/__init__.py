"""Diffusion pipelines of diffusers behind the generator interface: noise and text in, decoded sound out."""

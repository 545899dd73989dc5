"""msfusion_adapters.genomics.adapter"""

"""msfusion_adapters.clinical.adapter"""
